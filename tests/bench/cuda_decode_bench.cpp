// Tokens per second of a model of Llama-3-8B's shape with random weights: greedy decoding of one sequence,
// with the decode step run in different ways, whose tokens must be the same. Usage: cuda_decode_bench
// [mxfp4|nvfp4] [tokens] [layers] [--all | a way]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "cuda/cuda_backend.h"
#include "cuda/step_options.h"
#include "libfp4/engine/forward.h"

using namespace fp4;

namespace {

template <class T>
T expect(Result<T> result) {
    if (result.ok()) return std::move(result).value();
    std::fprintf(stderr, "bench: %s\n", result.error().message.c_str());
    std::exit(1);
}
void expect(Result<void> result) {
    if (result.ok()) return;
    std::fprintf(stderr, "bench: %s\n", result.error().message.c_str());
    std::exit(1);
}

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

ModelConfig llama_3_8b(uint32_t layers) {
    ModelConfig config;
    config.vocabulary = 128256;
    config.hidden = 4096;
    config.layers = layers;
    config.heads = 32;
    config.kv_heads = 8;
    config.head_dim = 128;
    config.ffn = 14336;
    config.attention_scale = 0.0883883476f;
    config.rope.theta = 500000.0;
    config.sliding.resize(layers);
    return config;
}

class RandomWeights {
  public:
    RandomWeights(Backend& backend, WeightFormat format) : backend_(backend), format_(format) {
        codes_.resize(size_t(128256) * 4096 / 2);
        scales_.resize(codes_.size() / 8);
        std::mt19937_64 random(1);
        for (size_t i = 0; i + 8 <= codes_.size(); i += 8) {
            const uint64_t word = random();
            std::memcpy(codes_.data() + i, &word, 8);
        }
        // Outputs of a size near the inputs': elements of about 2.7, sums of thousands.
        for (size_t i = 0; i < scales_.size(); ++i)
            scales_[i] = static_cast<uint8_t>((format == WeightFormat::nvfp4 ? 8 : 119) + codes_[i] % 2);
    }
    std::unique_ptr<Weight> matrix(uint32_t rows, uint32_t cols) {
        bytes_ += size_t(rows) * (cols / 2 + cols / (format_ == WeightFormat::nvfp4 ? 16 : 32));
        return expect(backend_.load(HostWeight{format_, rows, cols, codes_.data(), scales_.data()}));
    }
    std::unique_ptr<Weight> vector(const std::vector<float>& values) {
        HostWeight weight;
        weight.rows = 1;
        weight.cols = values.size();
        weight.data = reinterpret_cast<const uint8_t*>(values.data());
        return expect(backend_.load(weight));
    }
    std::unique_ptr<Weight> ones(uint32_t count) { return vector(std::vector<float>(count, 1.0f)); }
    size_t bytes() const { return bytes_; }

  private:
    Backend& backend_;
    WeightFormat format_;
    std::vector<uint8_t> codes_, scales_;
    size_t bytes_ = 0;
};

std::shared_ptr<Model> random_model(std::shared_ptr<Backend> backend, WeightFormat format, uint32_t layers) {
    auto model = std::make_shared<Model>();
    const ModelConfig config = llama_3_8b(layers);
    RandomWeights random(*backend, format);
    model->config = config;
    model->backend = backend;
    model->linear_format = format;
    for (uint32_t i = 0; i < layers; ++i) {
        LayerWeights layer;
        layer.attention_norm = random.ones(config.hidden);
        layer.ffn_norm = random.ones(config.hidden);
        layer.q.weight = random.matrix(config.q_width(), config.hidden);
        layer.k.weight = random.matrix(config.kv_width(), config.hidden);
        layer.v.weight = random.matrix(config.kv_width(), config.hidden);
        layer.o.weight = random.matrix(config.hidden, config.q_width());
        layer.gate.weight = random.matrix(config.ffn, config.hidden);
        layer.up.weight = random.matrix(config.ffn, config.hidden);
        layer.down.weight = random.matrix(config.hidden, config.ffn);
        model->layers.push_back(std::move(layer));
    }
    model->own_head = random.matrix(config.vocabulary, config.hidden);
    std::printf("%.2f GB of weights read for a token\n", double(random.bytes()) * 1e-9);
    model->embedding = random.matrix(config.vocabulary, config.hidden);
    model->final_norm = random.ones(config.hidden);
    model->ropes.global = random.vector(inverse_frequencies(config.rope, config.head_dim));
    model->ropes.local = random.vector(inverse_frequencies(config.rope, config.head_dim));
    return model;
}

struct Variant {
    const char* name;
    cuda::StepOptions options;
    bool behind = false; // tokens are taken one step after they were drawn
};

std::vector<Variant> variants(bool all) {
    if (!all) return {{"decode step", {}}};
    return {
        {"one by one", {.recorded = false}},
        {"graph, nothing fused", {.fuse_attention = false}},
        {"graph", {}},
        {"graph, token taken later", {}, true},
        {"not a graph", {.graph = false}},
    };
}

class Decoder {
  public:
    Decoder(std::shared_ptr<Model> model, int tokens) : model_(std::move(model)), tokens_(tokens) {}

    void run(const Variant& variant) {
        cuda::step_options = variant.options;
        Backend& backend = *model_->backend;
        const ModelConfig& config = model_->config;
        auto stream = expect(backend.create_stream({}));
        auto cache = expect(
            backend.create_kv_cache({config.layers, 4096, config.kv_heads, config.head_dim, KvFormat::f16}));
        ForwardConfig forward_config;
        forward_config.path_prefill = forward_config.path_decode = Path::w4a16;
        auto forward = expect(Forward::create(model_, forward_config));
        SamplingConfig sampling;
        SampleRequest request;
        request.config = &sampling;
        for (int round = 0; round < 3; ++round) { // the first captures
            std::vector<int32_t> drawn{1};
            const double start = now();
            double host = 0.0;
            forward->begin(*stream, drawn, 0);
            for (int i = 0; i < tokens_; ++i) {
                const double before = now();
                if (i > 0 && variant.behind) forward->begin_drawn(static_cast<size_t>(i));
                if (i > 0 && !variant.behind)
                    forward->begin(*stream, {&drawn.back(), 1}, static_cast<size_t>(i));
                while (!forward->finished()) forward->advance(*stream, *cache);
                forward->project(*stream, 0, 1);
                expect(forward->draw(*stream, 0, request));
                host += now() - before;
                if (i > 0 || !variant.behind) drawn.push_back(expect(stream->take_drawn()));
            }
            if (variant.behind) drawn.push_back(expect(stream->take_drawn()));
            const double seconds = now() - start;
            if (first_.empty()) first_ = drawn;
            const auto differs = std::mismatch(drawn.begin(), drawn.end(), first_.begin());
            if (round == 0 && differs.first == drawn.end()) continue;
            std::printf(
                "%-24s %d tokens: %.1f tokens/s, %.3f ms a token, %.3f ms of it to enqueue; same tokens: "
                "%d\n",
                variant.name, tokens_, tokens_ / seconds, seconds / tokens_ * 1e3, host / tokens_ * 1e3,
                static_cast<int>(differs.first - drawn.begin()) - 1);
        }
        std::fflush(stdout);
    }

  private:
    std::shared_ptr<Model> model_;
    int tokens_;
    std::vector<int32_t> first_; // of the first variant
};

} // namespace

int main(int argc, char** argv) {
    const bool nv = argc > 1 && std::strcmp(argv[1], "nvfp4") == 0;
    const int tokens = argc > 2 ? std::atoi(argv[2]) : 128;
    const auto layers = static_cast<uint32_t>(argc > 3 ? std::atoi(argv[3]) : 32);
    const char* way = argc > 4 ? argv[4] : nullptr;
    const bool one = way && std::strcmp(way, "--all") != 0;
    auto backend = expect(open_cuda_backend());
    const double load_start = now();
    auto model = random_model(backend, nv ? WeightFormat::nvfp4 : WeightFormat::mxfp4, layers);
    std::printf("%s, loaded in %.2f s\n", nv ? "nvfp4" : "mxfp4", now() - load_start);
    Decoder decoder(model, tokens);
    for (const Variant& variant : variants(way != nullptr))
        if (!one || std::strcmp(way, variant.name) == 0) decoder.run(variant);
    return 0;
}
