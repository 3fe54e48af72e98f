// Handles closed in any order, used by two threads at once, opened and closed many times.
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/unit/api/abi.h"

using namespace fp4::test;

namespace {

uint64_t memory_now() {
    uint64_t now = 0;
    REQUIRE(fp4_memory_used(&now, nullptr) == FP4_OK);
    return now;
}

uint64_t device_bytes() {
    uint64_t used = 0;
    REQUIRE(fp4_device_memory(nullptr, &used, nullptr) == FP4_OK);
    return used;
}

} // namespace

TEST_CASE("a model closed first lives as long as its users") {
    const uint64_t before = device_bytes();
    ModelHandle model = open_model(golden_folder("llama"));
    ContextHandle ctx = create_context(model.get());
    fp4_gen_config config = gen_defaults();
    config.prompt = "the ";
    config.max_tokens = 8;
    GenerationHandle gen = start_generation(ctx.get(), config);
    const uint64_t all = device_bytes();
    CHECK(all > before);
    model.reset();
    CHECK(device_bytes() == all);
    CHECK(fp4_gen_step(gen.get(), 0, nullptr) == FP4_MORE);
    ctx.reset();
    CHECK(device_bytes() == all);
    CHECK(!all_text(gen.get()).empty());
    gen.reset();
    CHECK(device_bytes() == before);
}

TEST_CASE("a threaded generation survives its context's and model's handles") {
    ModelHandle model = open_model(golden_folder("llama"));
    ContextHandle ctx = create_context(model.get());
    fp4_gen_config config = gen_defaults();
    config.prompt = "the ";
    config.flags = FP4_GEN_THREADED | FP4_GEN_IGNORE_END;
    GenerationHandle gen = start_generation(ctx.get(), config);
    model.reset();
    ctx.reset();
    char text[32];
    size_t bytes, total = 0;
    fp4_status status;
    while ((status = fp4_gen_read(gen.get(), text, sizeof text, &bytes, -1)) == FP4_MORE) total += bytes;
    CHECK(status == FP4_DONE);
    CHECK(total > 0);
}

TEST_CASE("jobs closed while running, models taken once") {
    const std::string source = golden_folder("gemma3"), target = temporary_path("abandoned.fp4");
    for (int i = 0; i < 20; ++i) {
        fp4_job* job = nullptr;
        REQUIRE(fp4_quantize_start(&job, source.c_str(), target.c_str(), nullptr) == FP4_OK);
        if (i % 2) std::this_thread::sleep_for(std::chrono::microseconds(200 * i));
        fp4_job_close(job);
    }
    fp4_job* job = nullptr;
    fp4_model *first = nullptr, *second = nullptr;
    REQUIRE(fp4_model_open_start(&job, golden_folder("llama").c_str(), nullptr) == FP4_OK);
    JobHandle owner(job);
    REQUIRE(finish(job) == FP4_DONE);
    CHECK_WORKS(fp4_job_take_model(job, &first));
    ModelHandle model(first);
    CHECK_FAILS(fp4_job_take_model(job, &second), FP4_E_STATE);
    CHECK(second == nullptr);
    owner.reset();
    CHECK(!last_logits(model.get(), {5, 6}).empty());

    // A job of another kind, a failed one, and one that was cancelled have none.
    REQUIRE(fp4_model_check_start(&job, golden_folder("llama").c_str(), nullptr) == FP4_OK);
    owner.reset(job);
    REQUIRE(finish(job) == FP4_DONE);
    CHECK_FAILS(fp4_job_take_model(job, &second), FP4_E_STATE);
    REQUIRE(fp4_model_open_start(&job, "/no/such/model", nullptr) == FP4_OK);
    owner.reset(job);
    CHECK_FAILS(finish(job), FP4_E_NOT_FOUND);
    CHECK_FAILS(fp4_job_take_model(job, &second), FP4_E_NOT_FOUND);
    char text[8];
    CHECK_FAILS(fp4_job_result(job, text, sizeof text, nullptr), FP4_E_NOT_FOUND);
    CHECK_WORKS(fp4_job_cancel(job)); // of what has ended: nothing happens
}

TEST_CASE("a model never taken goes with its job") {
    const uint64_t before = device_bytes();
    fp4_job* job = nullptr;
    REQUIRE(fp4_model_open_start(&job, golden_folder("llama").c_str(), nullptr) == FP4_OK);
    REQUIRE(finish(job) == FP4_DONE);
    CHECK(device_bytes() > before);
    fp4_job_close(job);
    CHECK(device_bytes() == before);
}

TEST_CASE("two calls at once on one context") {
    ModelHandle model = open_model(golden_folder("gemma3"));
    fp4_ctx_config config = ctx_defaults();
    config.threads = 1;
    ContextHandle ctx = create_context(model.get(), &config);
    const std::vector<int32_t> tokens(100, 5);
    std::atomic<bool> stop{false};
    std::atomic<int> refused{0};
    std::thread worker([&] {
        while (!stop) {
            fp4_status status = fp4_ctx_eval(ctx.get(), tokens.data(), tokens.size(), FP4_EVAL_ALL_LOGITS);
            if (status == FP4_OK) status = fp4_ctx_truncate(ctx.get(), 0);
            // The other thread's call may be the one that came first.
            if (status != FP4_OK && status != FP4_E_BUSY && status != FP4_E_LIMIT) std::abort();
            if (status == FP4_E_LIMIT) fp4_ctx_truncate(ctx.get(), 0);
        }
    });
    for (int i = 0; i < 200'000 && refused < 20; ++i) {
        fp4_status status = fp4_ctx_truncate(ctx.get(), 0);
        if (status == FP4_E_BUSY) {
            ++refused;
            CHECK(fp4_last_error()[0] != '\0');
        }
        fp4_ctx_info info{};
        info.size = sizeof info;
        REQUIRE(fp4_ctx_info_get(ctx.get(), &info) == FP4_OK); // never busy
        REQUIRE(info.used <= 100);
        std::this_thread::yield();
    }
    stop = true;
    worker.join();
    CHECK(refused >= 20);
    CHECK_WORKS(fp4_ctx_truncate(ctx.get(), 0));
}

TEST_CASE("a running generation keeps others off its context") {
    ModelHandle model = open_model(golden_folder("llama"));
    ContextHandle ctx = create_context(model.get());
    fp4_gen_config config = gen_defaults();
    config.prompt = "the ";
    config.max_tokens = 4;
    config.flags = FP4_GEN_IGNORE_END;
    GenerationHandle gen = start_generation(ctx.get(), config);
    const int32_t tokens[] = {5};
    fp4_gen* second = nullptr;
    CHECK_FAILS(fp4_ctx_eval(ctx.get(), tokens, 1, 0), FP4_E_BUSY);
    CHECK_FAILS(fp4_ctx_truncate(ctx.get(), 0), FP4_E_BUSY);
    CHECK_FAILS(fp4_ctx_save(ctx.get(), temporary_path("busy").c_str(), nullptr), FP4_E_BUSY);
    CHECK_FAILS(fp4_ctx_load(ctx.get(), temporary_path("busy").c_str(), nullptr), FP4_E_BUSY);
    CHECK_FAILS(fp4_gen_start(&second, ctx.get(), &config), FP4_E_BUSY);
    CHECK_FAILS(fp4_generate(ctx.get(), &config, nullptr, nullptr, nullptr), FP4_E_BUSY);
    all_text(gen.get());
    CHECK_WORKS(fp4_ctx_eval(ctx.get(), tokens, 1, 0)); // finished, not yet closed
    GenerationHandle next = start_generation(ctx.get(), config);
    gen.reset(); // closing the finished one does not disturb the next
    CHECK(!all_text(next.get()).empty());
    next.reset();
    next = start_generation(ctx.get(), config);
    next.reset(); // closed without a step
    CHECK_WORKS(fp4_ctx_truncate(ctx.get(), 0));
}

TEST_CASE("two thousand handles leave no memory behind") {
    ModelHandle model = open_model(golden_folder("llama"));
    fp4_gen_config config = gen_defaults();
    config.prompt = "the ";
    fp4_ctx_config small = ctx_defaults();
    small.capacity = 16;
    small.threads = 1;
    auto round = [&] {
        ContextHandle ctx = create_context(model.get(), &small);
        GenerationHandle gen = start_generation(ctx.get(), config);
    };
    auto open_round = [] {
        ModelHandle opened = open_model(golden_folder("llama"));
        fp4_job* job = nullptr;
        REQUIRE(fp4_model_check_start(&job, golden_folder("llama").c_str(), nullptr) == FP4_OK);
        JobHandle owner(job);
    };
    round(), open_round();
    const uint64_t before = memory_now();
    for (int i = 0; i < 2000; ++i) round();
    CHECK(memory_now() == before);
    for (int i = 0; i < 100; ++i) open_round();
    CHECK(memory_now() == before);
}
