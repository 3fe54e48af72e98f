// Every architecture on the CUDA device through the C ABI: the CPU's logits, in the prompt and token by
// token.
#include <cmath>

#include "tests/unit/api/abi.h"

using namespace fp4::test;

namespace {

struct Logits {
    std::vector<float> prompt; // of its last token
    std::vector<std::vector<float>> decode;
};

Logits logits_on(const char* device, const std::string& file, const std::vector<int32_t>& tokens,
                 size_t prompt) {
    fp4_model_config config = defaults<fp4_model_config, fp4_model_config_init>();
    config.device = device;
    fp4_model* opened = nullptr;
    REQUIRE_MESSAGE(fp4_model_open(&opened, file.c_str(), &config) == FP4_OK, std::string(fp4_last_error()));
    ModelHandle model(opened);
    fp4_model_info info{};
    info.size = sizeof info;
    REQUIRE(fp4_model_info_get(opened, &info) == FP4_OK);
    fp4_ctx_config ctx_config = ctx_defaults();
    ctx_config.path_prefill = ctx_config.path_decode = FP4_PATH_W4A16;
    ctx_config.kv_format = FP4_KV_F32; // f16 rounds the least differences up to its own steps
    ContextHandle ctx = create_context(opened, &ctx_config);
    auto last = [&] {
        std::vector<float> values(info.vocabulary);
        REQUIRE(fp4_ctx_logits(ctx.get(), 0, values.data(), values.size()) == FP4_OK);
        return values;
    };
    Logits logits;
    REQUIRE(fp4_ctx_eval(ctx.get(), tokens.data(), prompt, 0) == FP4_OK);
    logits.prompt = last();
    for (size_t i = prompt; i < tokens.size(); ++i) {
        REQUIRE(fp4_ctx_eval(ctx.get(), &tokens[i], 1, 0) == FP4_OK);
        logits.decode.push_back(last());
    }
    return logits;
}

// Largest difference, of the largest logit's share.
double difference(const std::vector<float>& a, const std::vector<float>& b) {
    double largest = 0, worst = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        largest = std::max(largest, std::fabs(double(a[i])));
        worst = std::max(worst, std::fabs(double(a[i]) - b[i]));
        if (std::isnan(b[i])) return INFINITY;
    }
    return worst / largest;
}

} // namespace

TEST_CASE("every architecture: the logits of the CPU") {
    if (fp4_device_memory("cuda:0", nullptr, nullptr) != FP4_OK) {
        MESSAGE("skipped: ", std::string(fp4_last_error()));
        return;
    }
    std::vector<int32_t> tokens(48);
    for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int32_t>(i * 37 % 250);
    for (const std::string model :
         {"llama", "llama_rope3", "llama_untied", "mistral", "qwen2", "qwen3", "gemma3"})
        for (const std::string format : {"mxfp4", "nvfp4"}) {
            CAPTURE(model);
            CAPTURE(format);
            const std::string file = quantized_file(model, format.c_str());
            // Up to four tokens keep two parts of f16 for each input; more have one, of 11 bits.
            for (const auto& [prompt, bound] : {std::pair<size_t, double>{4, 2e-5}, {40, 2e-2}}) {
                const Logits cpu = logits_on("cpu", file, tokens, prompt),
                             cuda = logits_on("cuda:0", file, tokens, prompt);
                CAPTURE(prompt);
                double worst = difference(cpu.prompt, cuda.prompt);
                for (size_t i = 0; i < cpu.decode.size(); ++i)
                    worst = std::max(worst, difference(cpu.decode[i], cuda.decode[i]));
                CHECK(worst < bound);
            }
        }
}
