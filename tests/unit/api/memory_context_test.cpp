// Running out of memory in contexts and generations: a status, and the context is as it was.
#include "tests/unit/api/abi.h"
#include "tests/unit/api/memory_faults.h"

using namespace fp4::test;

namespace {

fp4_ctx_config small_context() {
    fp4_ctx_config config = ctx_defaults();
    config.capacity = 32;
    config.chunk = 8;
    config.threads = 2;
    return config;
}

fp4_gen_config short_generation() {
    static const char* stops[] = {"a stop string that is not short", "another one of them"};
    fp4_gen_config config = gen_defaults();
    config.prompt = "the man";
    config.max_tokens = 12;
    config.flags = FP4_GEN_IGNORE_END;
    config.stop = stops;
    config.stop_count = 2;
    return config;
}

uint32_t used(const fp4_ctx* ctx) {
    fp4_ctx_info info{};
    info.size = sizeof info;
    // May itself meet the failure; what it then gives is not looked at.
    return fp4_ctx_info_get(ctx, &info) == FP4_OK ? info.used : UINT32_MAX;
}

// Steps to the end. The status of the failure, as it came.
fp4_status step_to_end(fp4_gen* gen) {
    fp4_status status;
    char text[16];
    size_t bytes;
    while ((status = fp4_gen_step(gen, 1, nullptr)) == FP4_MORE) {
        fp4_status read = fp4_gen_read(gen, text, sizeof text, &bytes, 0);
        if (read < 0) return read;
    }
    return status;
}

} // namespace

TEST_CASE("no memory for contexts") {
    for (const std::string& path : {golden_folder("llama"), quantized_file("llama", "nvfp4")}) {
        ModelHandle model = open_model(path);
        exhaust("create", [&] {
            fp4_ctx_config config = small_context();
            fp4_ctx* ctx = nullptr;
            fp4_status status = fp4_ctx_create(&ctx, model.get(), &config);
            if (status == FP4_OK) fp4_ctx_close(ctx);
            return status;
        });
        fp4_ctx_config config = small_context();
        ContextHandle ctx = create_context(model.get(), &config);
        const int32_t tokens[] = {5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
        REQUIRE(fp4_ctx_eval(ctx.get(), tokens, 2, 0) == FP4_OK);
        exhaust("eval", [&] {
            fp4_status status = fp4_ctx_eval(ctx.get(), tokens, 10, FP4_EVAL_ALL_LOGITS);
            uint32_t now = used(ctx.get());
            if (status < 0) {
                REQUIRE((now == 2 || now == UINT32_MAX));
                return status;
            }
            REQUIRE(fp4_ctx_truncate(ctx.get(), 2) == FP4_OK);
            // The logits of the call are kept until the next: give them back too.
            while (fp4_ctx_eval(ctx.get(), tokens, 1, 0) != FP4_OK) allocator().recover();
            REQUIRE(fp4_ctx_truncate(ctx.get(), 2) == FP4_OK);
            return status;
        });
        const std::string state = temporary_path("exhausted.state");
        exhaust("save", [&] { return fp4_ctx_save(ctx.get(), state.c_str(), nullptr); });
        exhaust("load", [&] {
            fp4_status status = fp4_ctx_load(ctx.get(), state.c_str(), nullptr);
            uint32_t now = used(ctx.get());
            REQUIRE((now == 2 || now == UINT32_MAX));
            return status;
        });
    }
}

TEST_CASE("no memory while sampling") {
    ModelHandle model = open_model(golden_folder("llama"));
    fp4_ctx_config config = small_context();
    ContextHandle ctx = create_context(model.get(), &config);
    const int32_t tokens[] = {5, 6};
    REQUIRE(fp4_ctx_eval(ctx.get(), tokens, 2, 0) == FP4_OK);
    const fp4_logit_bias bias[] = {{3, 1}, {4, -1}};
    fp4_sampling sampling = sampling_defaults();
    sampling.bias = bias;
    sampling.bias_count = 2;
    sampling.repetition_penalty = 1.2f;
    exhaust("sample", [&] {
        int32_t token;
        return fp4_sample(ctx.get(), &sampling, 3, &token);
    });
}

TEST_CASE("no memory while generating") {
    for (const std::string& path : {golden_folder("llama"), quantized_file("llama", "mxfp4")}) {
        ModelHandle model = open_model(path);
        const fp4_gen_config config = short_generation();
        auto in_context = [&](auto run) {
            return [&, run] {
                fp4_ctx_config small = small_context();
                fp4_ctx* ctx = nullptr;
                fp4_status status = fp4_ctx_create(&ctx, model.get(), &small);
                if (status != FP4_OK) return status;
                status = run(ctx);
                fp4_ctx_close(ctx);
                return status;
            };
        };
        exhaust("step", in_context([&](fp4_ctx* ctx) {
                    fp4_gen* gen = nullptr;
                    fp4_status status = fp4_gen_start(&gen, ctx, &config);
                    if (status != FP4_OK) return status;
                    status = step_to_end(gen);
                    fp4_gen_close(gen);
                    return status;
                }));
        exhaust("callback", in_context([&](fp4_ctx* ctx) {
                    auto take = [](const char*, size_t, void*) -> int32_t { return 1; };
                    return fp4_generate(ctx, &config, take, nullptr, nullptr);
                }));
        exhaust("threaded", in_context([&](fp4_ctx* ctx) {
                    fp4_gen_config threaded = config;
                    threaded.flags |= FP4_GEN_THREADED;
                    fp4_gen* gen = nullptr;
                    fp4_status status = fp4_gen_start(&gen, ctx, &threaded);
                    if (status != FP4_OK) return status;
                    char text[16];
                    size_t bytes;
                    while ((status = fp4_gen_read(gen, text, sizeof text, &bytes, -1)) == FP4_MORE) {
                    }
                    fp4_gen_close(gen);
                    return status;
                }));
    }
}
