// Size-stamped structs: sizes of older and newer callers, unknown flags, values out of range.
#include <cstring>
#include <functional>
#include <limits>

#include "tests/unit/api/abi.h"

using namespace fp4::test;

namespace {

// A struct as a caller with a larger header would give it, zeros behind what this library knows.
template <class Struct>
struct Larger {
    alignas(8) unsigned char bytes[sizeof(Struct) + 256] = {};

    explicit Larger(const Struct& known) {
        std::memcpy(bytes, &known, sizeof known);
        as()->size = sizeof bytes;
    }
    Struct* as() { return reinterpret_cast<Struct*>(bytes); }
};

// use: a call that succeeds (FP4_OK, FP4_MORE ...) with `known`.
template <class Struct>
void check_input_struct(const Struct& known, uint32_t known_flags,
                        const std::function<fp4_status(const Struct*)>& use) {
    CHECK_MESSAGE(use(&known) >= 0, fp4_last_error());
    Struct changed = known;
    for (uint32_t size : {0u, 4u, 7u, 65537u, UINT32_MAX}) {
        changed.size = size;
        CHECK_FAILS(use(&changed), FP4_E_ARGUMENT);
    }
    changed = known;
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        changed.flags = bit;
        if ((known_flags & bit) == 0) CHECK_FAILS(use(&changed), FP4_E_ARGUMENT);
    }
    Larger<Struct> larger(known);
    CHECK_MESSAGE(use(larger.as()) >= 0, fp4_last_error());
    for (size_t at : {sizeof(Struct), sizeof(Struct) + 100, sizeof larger.bytes - 1}) {
        larger.bytes[at] = 1;
        CHECK_FAILS(use(larger.as()), FP4_E_VERSION);
        larger.bytes[at] = 0;
    }
}

// fill: fills the struct behind the pointer as its size allows.
template <class Struct>
void check_output_struct(const std::function<fp4_status(Struct*)>& fill) {
    Struct full{};
    full.size = sizeof full;
    CHECK_MESSAGE(fill(&full) >= 0, fp4_last_error());
    CHECK(full.size == sizeof full);
    for (uint32_t size : {0u, 4u, 7u, 65537u, UINT32_MAX}) {
        Struct untouched;
        std::memset(&untouched, 0x5A, sizeof untouched);
        untouched.size = size;
        Struct before;
        std::memcpy(&before, &untouched, sizeof before);
        CHECK_FAILS(fill(&untouched), FP4_E_ARGUMENT);
        CHECK(std::memcmp(&before, &untouched, sizeof before) == 0);
    }
    // An older caller's smaller struct: nothing is written behind it.
    unsigned char small[sizeof(Struct)];
    std::memset(small, 0x5A, sizeof small);
    const uint32_t older = 16;
    std::memcpy(small, &older, sizeof older);
    CHECK(fill(reinterpret_cast<Struct*>(small)) >= 0);
    for (size_t i = older; i < sizeof small; ++i) REQUIRE(small[i] == 0x5A);
    // A newer caller's larger one: the rest is zero.
    Larger<Struct> larger(full);
    std::memset(larger.bytes + sizeof(Struct), 0x5A, 256);
    CHECK(fill(larger.as()) >= 0);
    CHECK(larger.as()->size == sizeof larger.bytes);
    for (size_t i = sizeof(Struct); i < sizeof larger.bytes; ++i) REQUIRE(larger.bytes[i] == 0);
}

struct Opened {
    ModelHandle model = open_model(golden_folder("llama"));
    ContextHandle ctx = create_context(model.get());
};

} // namespace

TEST_CASE("init fills any size of struct and refuses what is none") {
    auto check = [](auto init, auto config) {
        using Config = decltype(config);
        for (uint32_t size : {0u, 4u, 7u, 65537u, UINT32_MAX})
            CHECK_FAILS(init(&config, size), FP4_E_ARGUMENT);
        unsigned char bytes[sizeof(Config) + 64];
        std::memset(bytes, 0x5A, sizeof bytes);
        auto* place = reinterpret_cast<Config*>(bytes);
        CHECK_WORKS(init(place, 8));
        for (size_t i = 8; i < sizeof bytes; ++i) REQUIRE(bytes[i] == 0x5A);
        CHECK_WORKS(init(place, sizeof bytes));
        CHECK(place->size == sizeof bytes);
        for (size_t i = sizeof(Config); i < sizeof bytes; ++i) REQUIRE(bytes[i] == 0);
    };
    check(fp4_model_config_init, fp4_model_config{});
    check(fp4_ctx_config_init, fp4_ctx_config{});
    check(fp4_quantize_config_init, fp4_quantize_config{});
    check(fp4_evaluate_config_init, fp4_evaluate_config{});
    check(fp4_tasks_config_init, fp4_tasks_config{});
    check(fp4_op_bench_config_init, fp4_op_bench_config{});
    check(fp4_sampling_init, fp4_sampling{});
    check(fp4_gen_config_init, fp4_gen_config{});
}

TEST_CASE("input structs") {
    Opened f;
    const std::string path = golden_folder("llama");
    check_input_struct<fp4_model_config>(defaults<fp4_model_config, fp4_model_config_init>(),
                                         FP4_MODEL_NO_MMAP, [&](const fp4_model_config* config) {
                                             fp4_model* model = nullptr;
                                             fp4_status status = fp4_model_open(&model, path.c_str(), config);
                                             fp4_model_close(model);
                                             std::string message = fp4_last_error();
                                             CHECK(message.empty()); // a successful close clears it
                                             return status < 0 ? fp4_model_open(&model, path.c_str(), config)
                                                               : status;
                                         });
    check_input_struct<fp4_ctx_config>(ctx_defaults(), 0, [&](const fp4_ctx_config* config) {
        fp4_ctx* ctx = nullptr;
        fp4_status status = fp4_ctx_create(&ctx, f.model.get(), config);
        if (ctx) fp4_ctx_close(ctx);
        return status;
    });
    fp4_gen_config gen_config = gen_defaults();
    gen_config.prompt = "the";
    gen_config.max_tokens = 1;
    const uint32_t gen_flags = FP4_GEN_THREADED | FP4_GEN_RAW_PROMPT | FP4_GEN_PLAIN_PROMPT |
                               FP4_GEN_SHOW_SPECIAL | FP4_GEN_IGNORE_END;
    check_input_struct<fp4_gen_config>(gen_config, gen_flags, [&](const fp4_gen_config* config) {
        fp4_gen* gen = nullptr;
        fp4_status status = fp4_gen_start(&gen, f.ctx.get(), config);
        if (gen) fp4_gen_close(gen);
        return status;
    });
    const int32_t tokens[] = {5, 6};
    REQUIRE(fp4_ctx_eval(f.ctx.get(), tokens, 2, 0) == FP4_OK);
    check_input_struct<fp4_sampling>(sampling_defaults(), 0, [&](const fp4_sampling* sampling) {
        int32_t token = -1;
        return fp4_sample(f.ctx.get(), sampling, 0, &token);
    });
    check_input_struct<fp4_quantize_config>(quantize_defaults(), 0, [&](const fp4_quantize_config* config) {
        fp4_job* job = nullptr;
        fp4_status status =
            fp4_quantize_start(&job, path.c_str(), temporary_path("struct.fp4").c_str(), config);
        if (job) fp4_job_close(job);
        return status;
    });
    fp4_evaluate_config evaluate = defaults<fp4_evaluate_config, fp4_evaluate_config_init>();
    evaluate.model = f.model.get();
    evaluate.text = "the the the";
    evaluate.text_bytes = 11;
    check_input_struct<fp4_evaluate_config>(evaluate, 0, [&](const fp4_evaluate_config* config) {
        fp4_job* job = nullptr;
        fp4_status status = fp4_evaluate_start(&job, config);
        if (job) fp4_job_close(job);
        return status;
    });
    fp4_tasks_config tasks = defaults<fp4_tasks_config, fp4_tasks_config_init>();
    tasks.model = f.model.get();
    tasks.file = "items.jsonl";
    check_input_struct<fp4_tasks_config>(tasks, 0, [&](const fp4_tasks_config* config) {
        fp4_job* job = nullptr;
        fp4_status status = fp4_tasks_start(&job, config);
        if (job) fp4_job_close(job);
        return status;
    });
    fp4_op_bench_config op_bench = defaults<fp4_op_bench_config, fp4_op_bench_config_init>();
    op_bench.model = f.model.get();
    op_bench.seconds = 0.001;
    check_input_struct<fp4_op_bench_config>(op_bench, 0, [&](const fp4_op_bench_config* config) {
        fp4_job* job = nullptr;
        fp4_status status = fp4_op_bench_start(&job, config);
        if (job) fp4_job_close(job);
        return status;
    });
    fp4_io io{};
    io.size = sizeof io;
    io.write = [](void*, const void*, uint64_t) -> int32_t { return 0; };
    check_input_struct<fp4_io>(
        io, 0, [&](const fp4_io* writer) { return fp4_ctx_save(f.ctx.get(), nullptr, writer); });
}

TEST_CASE("output structs") {
    Opened f;
    const std::string path = golden_folder("llama");
    check_output_struct<fp4_device_info>([](fp4_device_info* info) { return fp4_device_info_get(0, info); });
    check_output_struct<fp4_model_info>(
        [&](fp4_model_info* info) { return fp4_model_info_get(f.model.get(), info); });
    check_output_struct<fp4_ctx_info>(
        [&](fp4_ctx_info* info) { return fp4_ctx_info_get(f.ctx.get(), info); });
    check_output_struct<fp4_plan>(
        [&](fp4_plan* plan) { return fp4_model_plan(path.c_str(), nullptr, nullptr, plan); });
    fp4_gen_config config = gen_defaults();
    config.prompt = "the";
    config.max_tokens = 1;
    check_output_struct<fp4_gen_stats>(
        [&](fp4_gen_stats* stats) { return fp4_generate(f.ctx.get(), &config, nullptr, nullptr, stats); });
    fp4_ctx_truncate(f.ctx.get(), 0);
    config.flags = FP4_GEN_IGNORE_END;
    config.max_tokens = 0;
    GenerationHandle gen = start_generation(f.ctx.get(), config);
    check_output_struct<fp4_gen_stats>(
        [&](fp4_gen_stats* stats) { return fp4_gen_stats_get(gen.get(), stats); });
    check_output_struct<fp4_step_info>([&](fp4_step_info* info) { return fp4_gen_step(gen.get(), 0, info); });
    fp4_job* job = nullptr;
    REQUIRE(fp4_model_open_start(&job, path.c_str(), nullptr) == FP4_OK);
    JobHandle owner(job);
    check_output_struct<fp4_job_progress>(
        [&](fp4_job_progress* progress) { return fp4_job_poll(job, -1, progress); });
}

TEST_CASE("a step with a bad info struct does no work") {
    Opened f;
    fp4_gen_config config = gen_defaults();
    config.prompt = "the the";
    GenerationHandle gen = start_generation(f.ctx.get(), config);
    fp4_step_info info{};
    for (int i = 0; i < 50; ++i) CHECK(fp4_gen_step(gen.get(), UINT64_MAX, &info) == FP4_E_ARGUMENT);
    fp4_gen_stats stats{};
    stats.size = sizeof stats;
    REQUIRE(fp4_gen_stats_get(gen.get(), &stats) == FP4_OK);
    CHECK(stats.generated_tokens == 0);
    CHECK(stats.finish == FP4_FINISH_NONE);
}
