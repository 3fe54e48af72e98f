// NULL for each pointer argument: a status and a message, never a crash, and nothing written.
#include <functional>

#include "tests/unit/api/abi.h"

using namespace fp4::test;

namespace {

struct Fixture {
    ModelHandle model = open_model(golden_folder("llama"));
    ContextHandle ctx = create_context(model.get());
    int32_t tokens[3] = {5, 6, 7};
    char text[64];
    size_t needed = 77;
    float floats[512];
    uint8_t bytes[512];
};

#define REFUSED(call) CHECK_FAILS(call, FP4_E_ARGUMENT)

} // namespace

TEST_CASE("closing NULL is allowed") {
    fp4_model_close(nullptr);
    fp4_ctx_close(nullptr);
    fp4_gen_close(nullptr);
    fp4_job_close(nullptr);
    CHECK(fp4_last_error()[0] == '\0');
}

TEST_CASE("init functions refuse NULL") {
    REFUSED(fp4_model_config_init(nullptr, 24));
    REFUSED(fp4_ctx_config_init(nullptr, 40));
    REFUSED(fp4_quantize_config_init(nullptr, 48));
    REFUSED(fp4_evaluate_config_init(nullptr, 80));
    REFUSED(fp4_tasks_config_init(nullptr, 56));
    REFUSED(fp4_sampling_init(nullptr, 64));
    REFUSED(fp4_gen_config_init(nullptr, 72));
}

TEST_CASE("library and device functions refuse NULL") {
    Fixture f;
    REFUSED(fp4_set_allocator(nullptr));
    fp4_allocator empty{};
    empty.size = sizeof empty;
    REFUSED(fp4_set_allocator(&empty));
    CHECK_WORKS(fp4_memory_used(nullptr, nullptr));
    REFUSED(fp4_log_read(nullptr, f.text, sizeof f.text, &f.needed));
    REFUSED(fp4_device_info_get(0, nullptr));
    CHECK_WORKS(fp4_device_memory(nullptr, nullptr, nullptr));
    CHECK(f.needed == 77);
}

TEST_CASE("model functions refuse NULL") {
    Fixture f;
    const std::string path = golden_folder("llama");
    fp4_model* model = reinterpret_cast<fp4_model*>(&f);
    fp4_model* const before = model;
    REFUSED(fp4_model_open(nullptr, path.c_str(), nullptr));
    REFUSED(fp4_model_open(&model, nullptr, nullptr));
    REFUSED(fp4_model_open(&model, "", nullptr));
    CHECK(model == before);
    fp4_job* job = reinterpret_cast<fp4_job*>(&f);
    fp4_job* const job_before = job;
    REFUSED(fp4_model_open_start(nullptr, path.c_str(), nullptr));
    REFUSED(fp4_model_open_start(&job, nullptr, nullptr));
    REFUSED(fp4_model_check_start(nullptr, path.c_str(), nullptr));
    REFUSED(fp4_model_check_start(&job, nullptr, nullptr));
    CHECK(job == job_before);
    fp4_model_info info{};
    info.size = sizeof info;
    REFUSED(fp4_model_info_get(nullptr, &info));
    REFUSED(fp4_model_info_get(f.model.get(), nullptr));
    REFUSED(fp4_model_meta(nullptr, "config", f.text, sizeof f.text, &f.needed));
    REFUSED(fp4_model_meta(f.model.get(), nullptr, f.text, sizeof f.text, &f.needed));
    REFUSED(fp4_model_meta(f.model.get(), "name", nullptr, 0, nullptr));
    REFUSED(fp4_model_meta(f.model.get(), "config", nullptr, 10, &f.needed));
    CHECK(fp4_token_is_end(nullptr, 0) == 0);
    REFUSED(fp4_model_describe(nullptr, nullptr, f.text, sizeof f.text, &f.needed));
    REFUSED(fp4_model_describe(path.c_str(), nullptr, nullptr, 0, nullptr));
    fp4_plan plan{};
    plan.size = sizeof plan;
    REFUSED(fp4_model_plan(nullptr, nullptr, nullptr, &plan));
    REFUSED(fp4_model_plan(path.c_str(), nullptr, nullptr, nullptr));
    CHECK(f.needed == 77);
    CHECK(plan.weight_bytes == 0);
    CHECK(info.layers == 0);
}

TEST_CASE("job and quantize functions refuse NULL") {
    Fixture f;
    fp4_job* job = nullptr;
    fp4_model* model = nullptr;
    const std::string path = golden_folder("llama"), target = temporary_path("never.fp4");
    REFUSED(fp4_job_poll(nullptr, 0, nullptr));
    REFUSED(fp4_job_cancel(nullptr));
    REFUSED(fp4_job_result(nullptr, f.text, sizeof f.text, &f.needed));
    REFUSED(fp4_job_take_model(nullptr, &model));
    REFUSED(fp4_quantize_start(nullptr, path.c_str(), target.c_str(), nullptr));
    REFUSED(fp4_quantize_start(&job, nullptr, target.c_str(), nullptr));
    REFUSED(fp4_quantize_start(&job, path.c_str(), nullptr, nullptr));
    fp4_quantize_config config = quantize_defaults();
    config.keep_count = 1;
    REFUSED(fp4_quantize_start(&job, path.c_str(), target.c_str(), &config));
    const char* keep[] = {nullptr};
    config.keep = keep;
    REFUSED(fp4_quantize_start(&job, path.c_str(), target.c_str(), &config));
    REFUSED(fp4_evaluate_start(&job, nullptr));
    fp4_evaluate_config evaluate = defaults<fp4_evaluate_config, fp4_evaluate_config_init>();
    evaluate.text = "text";
    evaluate.text_bytes = 4;
    REFUSED(fp4_evaluate_start(&job, &evaluate)); // no model
    evaluate.model = f.model.get();
    REFUSED(fp4_evaluate_start(nullptr, &evaluate));
    evaluate.kv_format = 4;
    REFUSED(fp4_evaluate_start(&job, &evaluate));
    evaluate.kv_format = FP4_KV_MXFP4;
    evaluate.reserved = 1;
    REFUSED(fp4_evaluate_start(&job, &evaluate));
    evaluate.reserved = 0;
    evaluate.text = nullptr;
    REFUSED(fp4_evaluate_start(&job, &evaluate));
    REFUSED(fp4_tasks_start(&job, nullptr));
    fp4_tasks_config tasks = defaults<fp4_tasks_config, fp4_tasks_config_init>();
    tasks.file = "items.jsonl";
    REFUSED(fp4_tasks_start(&job, &tasks)); // no model
    tasks.model = f.model.get();
    REFUSED(fp4_tasks_start(nullptr, &tasks));
    tasks.text = "{}";
    tasks.text_bytes = 2;
    REFUSED(fp4_tasks_start(&job, &tasks)); // both
    tasks.file = tasks.text = nullptr;
    REFUSED(fp4_tasks_start(&job, &tasks)); // neither
    tasks.file = "items.jsonl";
    tasks.path = 99;
    REFUSED(fp4_tasks_start(&job, &tasks));
    REFUSED(fp4_op_bench_config_init(nullptr, 48));
    REFUSED(fp4_op_bench_start(&job, nullptr));
    fp4_op_bench_config op_bench = defaults<fp4_op_bench_config, fp4_op_bench_config_init>();
    REFUSED(fp4_op_bench_start(&job, &op_bench)); // no model
    op_bench.model = f.model.get();
    REFUSED(fp4_op_bench_start(nullptr, &op_bench));
    op_bench.tokens = 129; // more than the model's context
    REFUSED(fp4_op_bench_start(&job, &op_bench));
    op_bench.tokens = 0;
    op_bench.seconds = -1;
    REFUSED(fp4_op_bench_start(&job, &op_bench));
    op_bench.seconds = 0;
    op_bench.kv_format = 9;
    REFUSED(fp4_op_bench_start(&job, &op_bench));
    REQUIRE(job == nullptr);
    REFUSED(fp4_quantize_rows(FP4_FORMAT_MXFP4, nullptr, nullptr, 1, 32, f.bytes, f.bytes, f.floats));
    REFUSED(fp4_quantize_rows(FP4_FORMAT_MXFP4, nullptr, f.floats, 1, 32, nullptr, f.bytes, f.floats));
    REFUSED(fp4_quantize_rows(FP4_FORMAT_MXFP4, nullptr, f.floats, 1, 32, f.bytes, nullptr, f.floats));
    REFUSED(fp4_quantize_rows(FP4_FORMAT_MXFP4, nullptr, f.floats, 1, 32, f.bytes, f.bytes, nullptr));
    REFUSED(fp4_dequantize_rows(FP4_FORMAT_MXFP4, nullptr, f.bytes, 1, 1, 32, f.floats));
    REFUSED(fp4_dequantize_rows(FP4_FORMAT_MXFP4, f.bytes, nullptr, 1, 1, 32, f.floats));
    REFUSED(fp4_dequantize_rows(FP4_FORMAT_MXFP4, f.bytes, f.bytes, 1, 1, 32, nullptr));
}

TEST_CASE("text functions refuse NULL") {
    Fixture f;
    fp4_message message{"user", "hi"};
    REFUSED(fp4_tokenize(nullptr, "a", 1, 0, f.tokens, 3, &f.needed));
    REFUSED(fp4_tokenize(f.model.get(), nullptr, 1, 0, f.tokens, 3, &f.needed));
    REFUSED(fp4_tokenize(f.model.get(), "a", 1, 0, nullptr, 3, &f.needed));
    REFUSED(fp4_tokenize(f.model.get(), "a", 1, 0, nullptr, 0, nullptr));
    CHECK_WORKS(fp4_tokenize(f.model.get(), nullptr, 0, 0, f.tokens, 3, nullptr));
    REFUSED(fp4_detokenize(nullptr, f.tokens, 3, 0, f.text, sizeof f.text, &f.needed));
    REFUSED(fp4_detokenize(f.model.get(), nullptr, 3, 0, f.text, sizeof f.text, &f.needed));
    REFUSED(fp4_detokenize(f.model.get(), f.tokens, 3, 0, nullptr, 0, nullptr));
    REFUSED(fp4_chat_format(nullptr, nullptr, &message, 1, nullptr, 0, f.text, sizeof f.text, &f.needed));
    REFUSED(
        fp4_chat_format(f.model.get(), nullptr, nullptr, 1, nullptr, 0, f.text, sizeof f.text, &f.needed));
    fp4_message no_role{nullptr, "hi"}, no_content{"user", nullptr};
    REFUSED(
        fp4_chat_format(f.model.get(), nullptr, &no_role, 1, nullptr, 0, f.text, sizeof f.text, &f.needed));
    REFUSED(fp4_chat_format(f.model.get(), nullptr, &no_content, 1, nullptr, 0, f.text, sizeof f.text,
                            &f.needed));
    REFUSED(fp4_chat_format(f.model.get(), nullptr, &message, 1, nullptr, 0, nullptr, 0, nullptr));
    CHECK(f.needed == 77);
}

TEST_CASE("context functions refuse NULL") {
    Fixture f;
    fp4_ctx* ctx = nullptr;
    REFUSED(fp4_ctx_create(nullptr, f.model.get(), nullptr));
    REFUSED(fp4_ctx_create(&ctx, nullptr, nullptr));
    CHECK(ctx == nullptr);
    fp4_ctx_info info{};
    info.size = sizeof info;
    REFUSED(fp4_ctx_info_get(nullptr, &info));
    REFUSED(fp4_ctx_info_get(f.ctx.get(), nullptr));
    REFUSED(fp4_ctx_eval(nullptr, f.tokens, 3, 0));
    REFUSED(fp4_ctx_eval(f.ctx.get(), nullptr, 3, 0));
    REFUSED(fp4_ctx_cancel(nullptr));
    REFUSED(fp4_ctx_logits(nullptr, 0, f.floats, 512));
    REFUSED(fp4_ctx_logits(f.ctx.get(), 0, nullptr, 512));
    REFUSED(fp4_ctx_truncate(nullptr, 0));
    REFUSED(fp4_ctx_tokens(nullptr, f.tokens, 3, &f.needed));
    REFUSED(fp4_ctx_tokens(f.ctx.get(), nullptr, 0, nullptr));
    fp4_io io{};
    io.size = sizeof io;
    REFUSED(fp4_ctx_save(nullptr, "x", nullptr));
    REFUSED(fp4_ctx_save(f.ctx.get(), nullptr, nullptr));
    REFUSED(fp4_ctx_save(f.ctx.get(), "x", &io));     // both
    REFUSED(fp4_ctx_save(f.ctx.get(), nullptr, &io)); // no write
    REFUSED(fp4_ctx_load(nullptr, "x", nullptr));
    REFUSED(fp4_ctx_load(f.ctx.get(), nullptr, nullptr));
    REFUSED(fp4_ctx_load(f.ctx.get(), "x", &io));
    REFUSED(fp4_ctx_load(f.ctx.get(), nullptr, &io)); // no read
    fp4_model_config config = defaults<fp4_model_config, fp4_model_config_init>();
    config.io = &io;
    fp4_model* model = nullptr;
    fp4_job* job = nullptr;
    REFUSED(fp4_model_open(&model, "name", &config));
    REFUSED(fp4_model_open_start(&job, "name", &config));
    REFUSED(fp4_sample(nullptr, nullptr, 0, f.tokens));
    REFUSED(fp4_sample(f.ctx.get(), nullptr, 0, nullptr));
}

TEST_CASE("generation functions refuse NULL") {
    Fixture f;
    fp4_gen* gen = nullptr;
    fp4_gen_config config = gen_defaults();
    config.prompt = "the";
    REFUSED(fp4_gen_start(nullptr, f.ctx.get(), &config));
    REFUSED(fp4_gen_start(&gen, nullptr, &config));
    REFUSED(fp4_gen_start(&gen, f.ctx.get(), nullptr));
    config.stop_count = 1;
    REFUSED(fp4_gen_start(&gen, f.ctx.get(), &config));
    const char* stops[] = {nullptr};
    config.stop = stops;
    REFUSED(fp4_gen_start(&gen, f.ctx.get(), &config));
    config.stop_count = 0;
    fp4_sampling sampling = sampling_defaults();
    sampling.bias_count = 1;
    config.sampling = &sampling;
    REFUSED(fp4_gen_start(&gen, f.ctx.get(), &config));
    config.sampling = nullptr;
    config.tokens = f.tokens; // and a prompt
    REFUSED(fp4_gen_start(&gen, f.ctx.get(), &config));
    config.prompt = nullptr;
    config.tokens = nullptr; // neither, on an empty context
    REFUSED(fp4_gen_start(&gen, f.ctx.get(), &config));
    CHECK(gen == nullptr);
    REFUSED(fp4_gen_step(nullptr, 0, nullptr));
    REFUSED(fp4_gen_cancel(nullptr));
    fp4_gen_stats stats{};
    stats.size = sizeof stats;
    REFUSED(fp4_gen_stats_get(nullptr, &stats));
    config.prompt = "the";
    GenerationHandle owner = start_generation(f.ctx.get(), config);
    REFUSED(fp4_gen_stats_get(owner.get(), nullptr));
    REFUSED(fp4_gen_read(nullptr, f.text, sizeof f.text, &f.needed, 0));
    REFUSED(fp4_gen_read(owner.get(), nullptr, 10, &f.needed, 0));
    REFUSED(fp4_gen_read(owner.get(), f.text, sizeof f.text, nullptr, 0));
    REFUSED(fp4_gen_read(owner.get(), f.text, 3, &f.needed, 0));
    REFUSED(fp4_generate(nullptr, &config, nullptr, nullptr, nullptr));
    CHECK(f.needed == 77);
}
