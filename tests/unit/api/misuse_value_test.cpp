// Values out of range, and what fp4_last_error says about calls and threads.
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include "tests/unit/api/abi.h"

using namespace fp4::test;

namespace {

struct Opened {
    ModelHandle model = open_model(golden_folder("llama"));
    ContextHandle ctx = create_context(model.get());
    ModelHandle block_model = open_model(quantized_file("llama", "mxfp4"));

    fp4_status create(fp4_model* owner, const fp4_ctx_config& config) {
        fp4_ctx* created = nullptr;
        fp4_status status = fp4_ctx_create(&created, owner, &config);
        CHECK((created != nullptr) == (status == FP4_OK));
        if (created) {
            fp4_ctx_close(created);
        }
        return status;
    }
};

} // namespace

TEST_CASE("context configurations out of range") {
    Opened f;
    auto with = [&](auto change, fp4_model* model = nullptr) {
        fp4_ctx_config config = ctx_defaults();
        change(config);
        return f.create(model ? model : f.model.get(), config);
    };
    CHECK_WORKS(with([](fp4_ctx_config&) {}));
    CHECK_FAILS(with([](fp4_ctx_config& c) { c.capacity = 129; }), FP4_E_ARGUMENT);
    CHECK_FAILS(with([](fp4_ctx_config& c) { c.capacity = UINT32_MAX; }), FP4_E_ARGUMENT);
    CHECK_WORKS(with([](fp4_ctx_config& c) { c.chunk = UINT32_MAX; }));
    CHECK_FAILS(with([](fp4_ctx_config& c) { c.threads = -1; }), FP4_E_ARGUMENT);
    CHECK_FAILS(with([](fp4_ctx_config& c) { c.threads = INT32_MAX; }), FP4_E_ARGUMENT);
    CHECK_FAILS(with([](fp4_ctx_config& c) { c.reserved = 1; }), FP4_E_ARGUMENT);
    for (int32_t bad : {-1, 5, INT32_MIN, INT32_MAX}) {
        CHECK_FAILS(with([=](fp4_ctx_config& c) { c.path_prefill = bad; }), FP4_E_ARGUMENT);
        CHECK_FAILS(with([=](fp4_ctx_config& c) { c.path_decode = bad; }), FP4_E_ARGUMENT);
        CHECK_FAILS(with([=](fp4_ctx_config& c) { c.kv_format = bad; }), FP4_E_ARGUMENT);
    }
    CHECK_FAILS(with([](fp4_ctx_config& c) { c.kv_format = FP4_KV_MXFP4 + 1; }), FP4_E_ARGUMENT);
    for (int32_t format : {FP4_KV_F16, FP4_KV_F32, FP4_KV_MXFP8, FP4_KV_MXFP4})
        CHECK_WORKS(with([=](fp4_ctx_config& c) { c.kv_format = format; }));
    // Paths that these weights cannot take.
    for (int32_t path : {FP4_PATH_W4A16, FP4_PATH_W4A8, FP4_PATH_W4A4}) {
        CHECK_FAILS(with([=](fp4_ctx_config& c) { c.path_prefill = path; }), FP4_E_UNSUPPORTED);
        CHECK_WORKS(with([=](fp4_ctx_config& c) { c.path_decode = path; }, f.block_model.get()));
    }
    CHECK_FAILS(with([](fp4_ctx_config& c) { c.path_decode = FP4_PATH_W16A16; }, f.block_model.get()),
                FP4_E_UNSUPPORTED);
}

TEST_CASE("tokens, rows and counts out of range") {
    Opened f;
    std::vector<float> logits(264);
    std::vector<int32_t> many(129, 5);
    for (int32_t bad : {-1, 264, INT32_MIN, INT32_MAX}) {
        const int32_t tokens[] = {5, bad};
        CHECK_FAILS(fp4_ctx_eval(f.ctx.get(), tokens, 2, 0), FP4_E_ARGUMENT);
        char text[16];
        size_t needed;
        // Outside the vocabulary there is no text; inside, rows without a token have none either.
        CHECK(fp4_detokenize(f.model.get(), tokens, 2, 0, text, sizeof text, &needed) <= 0);
        CHECK(fp4_token_is_end(f.model.get(), bad) == 0);
    }
    CHECK_FAILS(fp4_ctx_eval(f.ctx.get(), many.data(), 0, 0), FP4_E_ARGUMENT);
    CHECK_FAILS(fp4_ctx_eval(f.ctx.get(), many.data(), many.size(), 0), FP4_E_LIMIT);
    CHECK_FAILS(fp4_ctx_eval(f.ctx.get(), many.data(), 1, 2), FP4_E_ARGUMENT);
    CHECK_FAILS(fp4_ctx_logits(f.ctx.get(), 0, logits.data(), logits.size()), FP4_E_STATE);
    REQUIRE(fp4_ctx_eval(f.ctx.get(), many.data(), 3, 0) == FP4_OK);
    CHECK_FAILS(fp4_ctx_logits(f.ctx.get(), 1, logits.data(), logits.size()), FP4_E_ARGUMENT);
    CHECK_FAILS(fp4_ctx_logits(f.ctx.get(), SIZE_MAX, logits.data(), logits.size()), FP4_E_ARGUMENT);
    CHECK_FAILS(fp4_ctx_logits(f.ctx.get(), 0, logits.data(), logits.size() - 1), FP4_E_SPACE);
    CHECK_FAILS(fp4_ctx_truncate(f.ctx.get(), 4), FP4_E_ARGUMENT);
    CHECK_FAILS(fp4_ctx_truncate(f.ctx.get(), SIZE_MAX), FP4_E_ARGUMENT);
    CHECK_WORKS(fp4_ctx_logits(f.ctx.get(), 0, logits.data(), logits.size()));
    CHECK_FAILS(fp4_device_info_get(-1, nullptr), FP4_E_ARGUMENT);
    CHECK_FAILS(fp4_device_info_get(fp4_device_count(), nullptr), FP4_E_ARGUMENT);
}

TEST_CASE("unknown names") {
    Opened f;
    fp4_model_config config = defaults<fp4_model_config, fp4_model_config_init>();
    config.device = "abacus";
    fp4_model* model = nullptr;
    CHECK_FAILS(fp4_model_open(&model, golden_folder("llama").c_str(), &config), FP4_E_NOT_FOUND);
    CHECK_FAILS(fp4_device_memory("abacus", nullptr, nullptr), FP4_E_NOT_FOUND);
    CHECK_FAILS(fp4_model_open(&model, "/no/such/file.gguf", nullptr), FP4_E_NOT_FOUND);
    CHECK(std::strstr(fp4_last_error(), "/no/such/file.gguf") != nullptr);
    char text[8];
    CHECK_FAILS(fp4_model_meta(f.model.get(), "no.such.key", text, sizeof text, nullptr), FP4_E_NOT_FOUND);
    fp4_job* job = nullptr;
    auto quantize = [&](auto change) {
        fp4_quantize_config wanted = quantize_defaults();
        change(wanted);
        return fp4_quantize_start(&job, golden_folder("llama").c_str(), temporary_path("bad.fp4").c_str(),
                                  &wanted);
    };
    const char* bad_keep[] = {"no equals sign"};
    const char* bad_format[] = {"*=float7"};
    CHECK_FAILS(quantize([](auto& c) { c.format = "float7"; }), FP4_E_ARGUMENT);
    CHECK_FAILS(quantize([](auto& c) { c.scale_rule = "dice"; }), FP4_E_ARGUMENT);
    CHECK_FAILS(quantize([](auto& c) { c.scale_rule = "amax"; }), FP4_E_ARGUMENT); // not for mxfp4
    CHECK_FAILS(quantize([&](auto& c) {
                    c.keep = bad_keep;
                    c.keep_count = 1;
                }),
                FP4_E_ARGUMENT);
    CHECK_FAILS(quantize([&](auto& c) {
                    c.keep = bad_format;
                    c.keep_count = 1;
                }),
                FP4_E_ARGUMENT);
    CHECK_FAILS(quantize([&](auto& c) {
                    c.keep = bad_keep;
                    c.keep_count = UINT64_MAX;
                }),
                FP4_E_LIMIT);
    CHECK(job == nullptr);
}

TEST_CASE("sampling out of range") {
    Opened f;
    const int32_t tokens[] = {5, 6};
    REQUIRE(fp4_ctx_eval(f.ctx.get(), tokens, 2, 0) == FP4_OK);
    int32_t token = -7;
    auto with = [&](auto change) {
        fp4_sampling sampling = sampling_defaults();
        change(sampling);
        return fp4_sample(f.ctx.get(), &sampling, 0, &token);
    };
    const float nan = std::nanf(""), infinity = INFINITY;
    for (float bad : {-0.01f, nan, infinity, -infinity}) {
        CHECK_FAILS(with([=](auto& s) { s.temperature = bad; }), FP4_E_ARGUMENT);
        CHECK_FAILS(with([=](auto& s) { s.top_p = bad; }), FP4_E_ARGUMENT);
        CHECK_FAILS(with([=](auto& s) { s.min_p = bad; }), FP4_E_ARGUMENT);
        CHECK_FAILS(with([=](auto& s) { s.repetition_penalty = bad; }), FP4_E_ARGUMENT);
    }
    CHECK_FAILS(with([=](auto& s) { s.presence_penalty = nan; }), FP4_E_ARGUMENT);
    CHECK_FAILS(with([=](auto& s) { s.frequency_penalty = infinity; }), FP4_E_ARGUMENT);
    CHECK_FAILS(with([](auto& s) { s.top_p = 1.5f; }), FP4_E_ARGUMENT);
    CHECK_FAILS(with([](auto& s) { s.top_k = -1; }), FP4_E_ARGUMENT);
    CHECK_FAILS(with([](auto& s) { s.penalty_last_n = -1; }), FP4_E_ARGUMENT);
    fp4_logit_bias bias{0, nan};
    CHECK_FAILS(with([&](auto& s) {
                    s.bias = &bias;
                    s.bias_count = 1;
                }),
                FP4_E_ARGUMENT);
    CHECK_FAILS(with([&](auto& s) {
                    s.bias = &bias;
                    s.bias_count = UINT64_MAX;
                }),
                FP4_E_LIMIT);
    std::vector<fp4_logit_bias> forbidden;
    for (int32_t i = 0; i < 264; ++i) forbidden.push_back({i, -infinity});
    CHECK_FAILS(with([&](auto& s) {
                    s.bias = forbidden.data();
                    s.bias_count = forbidden.size();
                }),
                FP4_E_STATE);
    CHECK(token == -7);
    // Tokens outside the vocabulary in a bias have no effect.
    fp4_logit_bias outside[] = {{-1, 5}, {264, 5}, {INT32_MIN, 5}, {INT32_MAX, 5}};
    CHECK_WORKS(with([&](auto& s) {
        s.bias = outside;
        s.bias_count = 4;
    }));
    CHECK(token >= 0);
    CHECK(token < 264);
}

TEST_CASE("the last error belongs to the thread and goes with the next success") {
    CHECK_FAILS(fp4_job_cancel(nullptr), FP4_E_ARGUMENT);
    std::string here = fp4_last_error();
    std::string there = "unset", later = "unset";
    std::thread([&] {
        there = fp4_last_error();
        fp4_model_open(nullptr, "x", nullptr);
        later = fp4_last_error();
    }).join();
    CHECK(there.empty());
    CHECK(later.find("model") != std::string::npos);
    CHECK(here == fp4_last_error());
    CHECK_WORKS(fp4_memory_used(nullptr, nullptr));
    for (fp4_status status : {0, 1, 2, -1, -8, -101, -301})
        CHECK(std::strncmp(fp4_status_name(status), "FP4_", 4) == 0);
    CHECK(fp4_status_name(12345) == std::string("FP4_E_UNKNOWN"));
}
