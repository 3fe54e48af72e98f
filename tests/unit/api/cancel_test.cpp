// Cancelling from another thread, and what is left of the context after a generation that ended early.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "tests/unit/api/abi.h"

using namespace fp4::test;

namespace {

struct Opened {
    ModelHandle model = open_model(golden_folder("llama"));
    ContextHandle ctx = create_context(model.get());

    std::string generate(const fp4_gen_config& config) {
        REQUIRE(fp4_ctx_truncate(ctx.get(), 0) == FP4_OK);
        GenerationHandle gen = start_generation(ctx.get(), config);
        return all_text(gen.get());
    }
};

fp4_gen_stats stats_of(fp4_gen* gen) {
    fp4_gen_stats stats{};
    stats.size = sizeof stats;
    REQUIRE(fp4_gen_stats_get(gen, &stats) == FP4_OK);
    return stats;
}

fp4_gen_config long_generation() {
    fp4_gen_config config = gen_defaults();
    config.prompt = "the man and the dog";
    config.flags = FP4_GEN_IGNORE_END;
    config.max_tokens = 60;
    return config;
}

} // namespace

TEST_CASE("cancel from another thread") {
    Opened f;
    fp4_gen_config config = long_generation();
    config.max_tokens = 0;
    GenerationHandle gen = start_generation(f.ctx.get(), config);
    std::thread canceller([&] { fp4_gen_cancel(gen.get()); });
    while (fp4_gen_step(gen.get(), 0, nullptr) == FP4_MORE) {
    }
    canceller.join();
    CHECK(fp4_gen_step(gen.get(), 0, nullptr) == FP4_DONE);
    const int32_t finish = stats_of(gen.get()).finish;
    CHECK((finish == FP4_FINISH_CANCELLED || finish == FP4_FINISH_FULL));
    std::vector<int32_t> held(128);
    size_t count = 0;
    REQUIRE(fp4_ctx_tokens(f.ctx.get(), held.data(), held.size(), &count) == FP4_OK);
    held.resize(count);
    // Whole tokens only: going on from here equals a context that never was interrupted.
    const int32_t next[] = {9};
    REQUIRE(fp4_ctx_truncate(f.ctx.get(), std::min<size_t>(count, 100)) == FP4_OK);
    held.resize(std::min<size_t>(count, 100));
    REQUIRE(fp4_ctx_eval(f.ctx.get(), next, 1, 0) == FP4_OK);
    std::vector<float> logits(264);
    REQUIRE(fp4_ctx_logits(f.ctx.get(), 0, logits.data(), 264) == FP4_OK);
    held.push_back(9);
    auto fresh = last_logits(f.model.get(), held);
    double worst = 0;
    for (size_t i = 0; i < fresh.size(); ++i) worst = std::max(worst, double(std::abs(fresh[i] - logits[i])));
    CHECK(worst < 0.05); // other chunks sum in another order
}

TEST_CASE("a threaded generation cancelled while it runs") {
    Opened f;
    fp4_gen_config config = long_generation();
    config.max_tokens = 0;
    config.flags |= FP4_GEN_THREADED;
    for (int i = 0; i < 20; ++i) {
        REQUIRE(fp4_ctx_truncate(f.ctx.get(), 0) == FP4_OK);
        GenerationHandle gen = start_generation(f.ctx.get(), config);
        std::this_thread::sleep_for(std::chrono::microseconds(100 * i));
        CHECK_WORKS(fp4_gen_cancel(gen.get()));
        char text[16];
        size_t bytes;
        fp4_status status;
        while ((status = fp4_gen_read(gen.get(), text, sizeof text, &bytes, -1)) == FP4_MORE) {
        }
        CHECK(status == FP4_DONE);
    }
}

TEST_CASE("an evaluation cancelled from another thread leaves the context as it was") {
    ModelHandle model = open_model(golden_folder("gemma3"));
    fp4_ctx_config config = ctx_defaults();
    config.threads = 1;
    config.chunk = 1;
    ContextHandle ctx = create_context(model.get(), &config);
    const int32_t start[] = {5, 6, 7};
    REQUIRE(fp4_ctx_eval(ctx.get(), start, 3, 0) == FP4_OK);
    const std::vector<int32_t> tokens(100, 8);
    int cancelled = 0;
    for (int i = 0; i < 200 && cancelled < 3; ++i) {
        std::thread canceller([&, i] {
            std::this_thread::sleep_for(std::chrono::microseconds(100 * (i % 20)));
            fp4_ctx_cancel(ctx.get());
        });
        fp4_status status = fp4_ctx_eval(ctx.get(), tokens.data(), tokens.size(), 0);
        canceller.join();
        fp4_ctx_info info{};
        info.size = sizeof info;
        REQUIRE(fp4_ctx_info_get(ctx.get(), &info) == FP4_OK);
        if (status == FP4_E_CANCELLED) {
            ++cancelled;
            CHECK(info.used == 3);
        } else {
            REQUIRE(status == FP4_OK);
            REQUIRE(fp4_ctx_truncate(ctx.get(), 3) == FP4_OK);
        }
    }
    CHECK(cancelled == 3);
}

TEST_CASE("going on without a prompt repeats the last token, and closing early loses none") {
    Opened f;
    const std::vector<int32_t> tokens = tokenize(f.model.get(), "the man and the dog");
    fp4_gen_config config = long_generation();
    const std::string expected = f.generate(config);
    REQUIRE(fp4_ctx_truncate(f.ctx.get(), 0) == FP4_OK);
    REQUIRE(fp4_ctx_eval(f.ctx.get(), tokens.data(), tokens.size(), 0) == FP4_OK);
    config.prompt = nullptr;
    start_generation(f.ctx.get(), config).reset();
    GenerationHandle gen = start_generation(f.ctx.get(), config);
    CHECK(stats_of(gen.get()).prompt_tokens == 0);
    CHECK(fp4_gen_step(gen.get(), 0, nullptr) == FP4_MORE); // one layer of the repeated token
    gen.reset();
    std::vector<int32_t> held(128);
    size_t count = 0;
    REQUIRE(fp4_ctx_tokens(f.ctx.get(), held.data(), held.size(), &count) == FP4_OK);
    CHECK(count == tokens.size());
    gen = start_generation(f.ctx.get(), config);
    CHECK(all_text(gen.get()) == expected);
}
