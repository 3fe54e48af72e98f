// Tokens per second of a model of Llama-3-8B's shape with random weights: greedy decoding of one sequence.
// Usage: cuda_decode_bench [mxfp4|nvfp4] [tokens] [layers]
#include "random_llama.h"

using namespace fp4;
using namespace fp4::bench;

int main(int argc, char** argv) {
    const bool nv = argc > 1 && std::strcmp(argv[1], "nvfp4") == 0;
    const int tokens = argc > 2 ? std::atoi(argv[2]) : 128;
    const auto layers = static_cast<uint32_t>(argc > 3 ? std::atoi(argv[3]) : 32);
    auto backend = expect(open_cuda_backend());
    const double load_start = now();
    auto model = random_model(backend, nv ? WeightFormat::nvfp4 : WeightFormat::mxfp4, layers);
    std::printf("loaded in %.2f s\n", now() - load_start);
    const ModelConfig& config = model->config;
    auto stream = expect(backend->create_stream({}));
    auto cache =
        expect(backend->create_kv_cache({layers, 4096, config.kv_heads, config.head_dim, KvFormat::f16}));
    ForwardConfig forward_config;
    forward_config.path_prefill = forward_config.path_decode = Path::w4a16;
    auto forward = expect(Forward::create(model, forward_config));
    SamplingConfig sampling;
    SampleRequest request;
    request.config = &sampling;
    int32_t token = 1;
    for (int round = 0; round < 2; ++round) {
        const double start = now();
        double host = 0.0;
        for (int i = 0; i < tokens; ++i) {
            const double before = now();
            forward->begin(*stream, {&token, 1}, static_cast<size_t>(i));
            while (!forward->finished()) forward->advance(*stream, *cache);
            forward->project(*stream, 0, 1);
            host += now() - before;
            token = expect(stream->sample(forward->logits(), 0, config.vocabulary, request));
        }
        expect(stream->synchronize());
        const double seconds = now() - start;
        std::printf("%s %d tokens: %.1f tokens/s, %.3f ms a token, %.3f ms of it to enqueue\n",
                    nv ? "nvfp4" : "mxfp4", tokens, tokens / seconds, seconds / tokens * 1e3,
                    host / tokens * 1e3);
    }
    return 0;
}
