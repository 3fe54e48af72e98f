// Tokens per second of a model of Llama-3-8B's shape with random weights: greedy decoding of one sequence,
// with the decode step run in different ways, whose tokens must be the same. Usage: cuda_decode_bench
// [mxfp4|nvfp4] [tokens] [layers] [--all | a way]
#include <algorithm>

#include "cuda/step_options.h"
#include "random_llama.h"

using namespace fp4;
using namespace fp4::bench;

namespace {

struct Variant {
    const char* name;
    cuda::StepOptions options;
    bool behind = false; // tokens are taken one step after they were drawn
};

std::vector<Variant> variants(bool all) {
    if (!all) return {{"decode step", {}}};
    return {
        {"one by one", {.recorded = false}},
        {"graph, nothing fused", {.fuse_attention = false, .fuse_products = false}},
        {"graph, products alone", {.fuse_products = false}},
        {"graph", {}},
        {"graph, token taken later", {}, true},
        {"not a graph", {.graph = false}},
    };
}

class Decoder {
  public:
    Decoder(std::shared_ptr<const Model> model, int tokens) : model_(std::move(model)), tokens_(tokens) {}

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
    std::shared_ptr<const Model> model_;
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
