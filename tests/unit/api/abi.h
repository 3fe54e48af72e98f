// The C ABI as an outside program uses it: handles that close themselves, tiny models, temporary files.
#pragma once

#include <doctest/doctest.h>
#include <fp4.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fp4::test {

template <class Handle, void (*close)(Handle*)>
struct Closer {
    void operator()(Handle* handle) const { close(handle); }
};
using ModelHandle = std::unique_ptr<fp4_model, Closer<fp4_model, fp4_model_close>>;
using ContextHandle = std::unique_ptr<fp4_ctx, Closer<fp4_ctx, fp4_ctx_close>>;
using GenerationHandle = std::unique_ptr<fp4_gen, Closer<fp4_gen, fp4_gen_close>>;
using JobHandle = std::unique_ptr<fp4_job, Closer<fp4_job, fp4_job_close>>;

// A complete checkpoint of tests/golden/models: 264 tokens, a few layers, 128 tokens of context.
std::string golden_folder(const std::string& model);

// A folder of this process, removed when it ends.
std::string temporary_path(const std::string& name);

std::vector<char> read_file(const std::string& path);
void write_file(const std::string& path, const std::vector<char>& bytes);

ModelHandle open_model(const std::string& path);
ContextHandle create_context(fp4_model* model, const fp4_ctx_config* config = nullptr);
GenerationHandle start_generation(fp4_ctx* ctx, const fp4_gen_config& config);

template <class Config, fp4_status (*init)(Config*, uint32_t)>
Config defaults() {
    Config config;
    REQUIRE(init(&config, sizeof config) == FP4_OK);
    return config;
}
inline fp4_gen_config gen_defaults() {
    return defaults<fp4_gen_config, fp4_gen_config_init>();
}
inline fp4_sampling sampling_defaults() {
    return defaults<fp4_sampling, fp4_sampling_init>();
}
inline fp4_ctx_config ctx_defaults() {
    return defaults<fp4_ctx_config, fp4_ctx_config_init>();
}
inline fp4_quantize_config quantize_defaults() {
    return defaults<fp4_quantize_config, fp4_quantize_config_init>();
}

// Waits for the job's end: FP4_DONE or its error.
fp4_status finish(fp4_job* job);

// Writes a golden model as a .fp4 file; gives its path.
std::string quantized_file(const std::string& model, const char* format);

// Steps to the end and reads everything.
std::string all_text(fp4_gen* gen);

std::vector<int32_t> tokenize(const fp4_model* model, const std::string& text);

// Logits of the last of these tokens in a fresh context.
std::vector<float> last_logits(fp4_model* model, const std::vector<int32_t>& tokens);

} // namespace fp4::test

// The call fails with this status and says why.
#define CHECK_FAILS(call, status)             \
    do {                                      \
        CHECK_EQ((call), fp4_status(status)); \
        CHECK_NE(fp4_last_error()[0], '\0');  \
    } while (0)
#define CHECK_WORKS(call)                                       \
    do {                                                        \
        CHECK_EQ((call), fp4_status(FP4_OK));                   \
        CHECK_EQ(std::string(fp4_last_error()), std::string()); \
    } while (0)
