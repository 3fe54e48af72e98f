// Prefill of a model of Llama-3-8B's shape with random weights: tokens per second by prompt and chunk, and
// the time of each operation of a layer. Usage: cuda_prefill_bench [mxfp4|nvfp4] [layers] [w4a16|w4a8|w4a4]
#include <algorithm>
#include <functional>

#include "random_llama.h"

using namespace fp4;
using namespace fp4::bench;

namespace {

constexpr size_t longest = 2048;

// The best of several runs.
double seconds_of(Stream& stream, int runs, const std::function<void()>& run) {
    double best = 1e30;
    for (int i = 0; i < runs; ++i) {
        expect(stream.synchronize());
        const double start = now();
        run();
        expect(stream.synchronize());
        best = std::min(best, now() - start);
    }
    return best;
}

void bench_prompts(const std::shared_ptr<const Model>& model, Stream& stream, KvCache& cache, Path path) {
    std::vector<int32_t> prompt(longest);
    for (size_t i = 0; i < longest; ++i) prompt[i] = static_cast<int32_t>(i * 37 % model->config.vocabulary);
    for (size_t chunk : {size_t(256), size_t(512), longest}) {
        ForwardConfig config;
        config.chunk = chunk;
        config.path_prefill = config.path_decode = path;
        auto forward = expect(Forward::create(model, config));
        for (size_t tokens : {size_t(512), longest}) {
            if (chunk > tokens) continue;
            const double seconds = seconds_of(stream, 4, [&] {
                for (size_t done = 0; done < tokens; done += chunk) {
                    forward->begin(stream, {prompt.data() + done, chunk}, done);
                    while (!forward->finished()) forward->advance(stream, cache);
                }
                forward->project(stream, chunk - 1, 1);
            });
            std::printf("pp%zu in chunks of %zu: %.0f tokens/s, %.2f ms\n", tokens, chunk,
                        static_cast<double>(tokens) / seconds, seconds * 1e3);
        }
    }
}

// Each operation of a layer several times in a row, so that the host keeps ahead.
void bench_operations(const Model& model, Stream& stream, KvCache& cache, ActivationFormat format, size_t n) {
    const ModelConfig& config = model.config;
    Backend& backend = *model.backend;
    auto matrix = [&](size_t width) { return expect(backend.allocate(n * width * sizeof(float))); };
    auto x = matrix(config.hidden), q = matrix(config.q_width()), k = matrix(config.kv_width()),
         v = matrix(config.kv_width()), gate = matrix(config.ffn), up = matrix(config.ffn);
    InputReaders readers;
    readers.add(model.layers[0]);
    auto hidden_input = expect(backend.create_activation(n, config.hidden, readers.hidden)),
         q_input = expect(backend.create_activation(n, config.q_width(), readers.q)),
         ffn_input = expect(backend.create_activation(n, config.ffn, readers.ffn));
    auto rotation = expect(backend.load({InputTransform::Kind::hadamard, 32, {}, {}}, config.ffn));
    const LayerWeights& layer = model.layers[0];
    const std::vector<float> ones(n * config.hidden, 1.0f);
    stream.write(*x, 0, {reinterpret_cast<const uint8_t*>(ones.data()), ones.size() * sizeof(float)});
    const NormParams norm{layer.attention_norm.get(), 1e-5f};
    const HeadShape heads{config.heads, config.kv_heads, config.head_dim};
    const RopeParams rope{model.ropes.global.get(), 1.0f, false};
    const AttentionParams attention{heads, config.attention_scale, 0};
    auto linear = [&](const Activation& input, std::initializer_list<LinearTarget> targets) {
        stream.linear(input, n, {targets.begin(), targets.size()});
    };
    const std::pair<const char*, std::function<void()>> operations[] = {
        {"norm", [&] { stream.norm(*x, 0, n, norm, nullptr, format, *hidden_input); }},
        {"q, k, v",
         [&] {
             linear(*hidden_input, {{layer.q.weight.get(), nullptr, q.get(), false},
                                    {layer.k.weight.get(), nullptr, k.get(), false},
                                    {layer.v.weight.get(), nullptr, v.get(), false}});
         }},
        {"rope, append",
         [&] { stream.rope_append(*q, *k, *v, n, 0, heads, nullptr, nullptr, rope, cache, 0); }},
        {"attention", [&] { stream.attention(*q, n, 0, attention, cache, 0, nullptr, format, *q_input); }},
        {"output",
         [&] {
             linear(*q_input, {{layer.o.weight.get(), nullptr, x.get(), true}});
         }},
        {"gate, up",
         [&] {
             linear(*hidden_input, {{layer.gate.weight.get(), nullptr, gate.get(), false},
                                    {layer.up.weight.get(), nullptr, up.get(), false}});
         }},
        {"glu", [&] { stream.glu(*gate, *up, n, GluKind::silu, nullptr, format, *ffn_input); }},
        {"glu, Hadamard 32",
         [&] { stream.glu(*gate, *up, n, GluKind::silu, rotation.get(), format, *ffn_input); }},
        {"down", [&] {
             linear(*ffn_input, {{layer.down.weight.get(), nullptr, x.get(), true}});
         }}};
    constexpr int calls = 10;
    for (const auto& operation : operations) {
        const double seconds = seconds_of(stream, 4, [&] {
            for (int i = 0; i < calls; ++i) operation.second();
        });
        std::printf("%zu tokens, %-16s %7.1f us\n", n, operation.first, seconds / calls * 1e6);
    }
}

} // namespace

int main(int argc, char** argv) {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    const bool nv = argc > 1 && std::strcmp(argv[1], "nvfp4") == 0;
    const auto layers = static_cast<uint32_t>(argc > 2 ? std::atoi(argv[2]) : 32);
    const Path path = argc > 3 && std::strcmp(argv[3], "w4a4") == 0   ? Path::w4a4
                      : argc > 3 && std::strcmp(argv[3], "w4a8") == 0 ? Path::w4a8
                                                                      : Path::w4a16;
    auto backend = expect(open_cuda_backend());
    auto model = random_model(backend, nv ? WeightFormat::nvfp4 : WeightFormat::mxfp4, layers);
    const ModelConfig& config = model->config;
    auto stream = expect(backend->create_stream({}));
    auto cache =
        expect(backend->create_kv_cache({layers, 4096, config.kv_heads, config.head_dim, KvFormat::f16}));
    bench_prompts(model, *stream, *cache, path);
    const ActivationFormat format = activation_for(path, model->layers[0].q.weight->format(), *backend);
    for (size_t n : {size_t(256), longest}) bench_operations(*model, *stream, *cache, format, n);
    return 0;
}
