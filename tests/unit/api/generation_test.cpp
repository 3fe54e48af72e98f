// Generation through the ABI: budgets, small reads, threads, callbacks, stop strings, statistics.
#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>
#endif

#include <cerrno>
#include <filesystem>

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

bool is_utf8(const std::string& text) {
    for (size_t i = 0; i < text.size();) {
        auto byte = static_cast<unsigned char>(text[i]);
        size_t length = byte < 0x80   ? 1
                        : byte < 0xC2 ? 0
                        : byte < 0xE0 ? 2
                        : byte < 0xF0 ? 3
                        : byte < 0xF5 ? 4
                                      : 0;
        if (length == 0 || i + length > text.size()) return false;
        for (size_t k = 1; k < length; ++k) {
            if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
        }
        i += length;
    }
    return true;
}

fp4_gen_config long_generation() {
    fp4_gen_config config = gen_defaults();
    config.prompt = "the man and the dog";
    config.flags = FP4_GEN_IGNORE_END;
    config.max_tokens = 60;
    return config;
}

} // namespace

TEST_CASE("the same text whatever the budget, the reads and the thread") {
    Opened f;
    fp4_sampling sampling = sampling_defaults();
    sampling.seed = 7;
    sampling.temperature = 1.5f;
    sampling.top_p = 1;
    sampling.top_k = 0;
    sampling.min_p = 0;
    fp4_gen_config config = long_generation();
    config.sampling = &sampling;
    const std::string expected = f.generate(config);
    CHECK(expected.size() > 20);
    CHECK(is_utf8(expected));
    for (uint64_t budget : {uint64_t(0), uint64_t(50), uint64_t(2000), UINT64_MAX}) {
        CAPTURE(budget);
        REQUIRE(fp4_ctx_truncate(f.ctx.get(), 0) == FP4_OK);
        GenerationHandle gen = start_generation(f.ctx.get(), config);
        std::string text;
        fp4_status status = FP4_MORE;
        uint32_t new_tokens = 0, prompt_left = UINT32_MAX;
        while (status == FP4_MORE) {
            fp4_step_info info{};
            info.size = sizeof info;
            status = fp4_gen_step(gen.get(), budget, &info);
            new_tokens += info.new_tokens;
            CHECK(info.prompt_left <= prompt_left);
            prompt_left = info.prompt_left;
            char piece[4];
            size_t bytes;
            while (fp4_gen_read(gen.get(), piece, sizeof piece, &bytes, 0) >= 0 && bytes > 0) {
                CHECK(is_utf8(std::string(piece, bytes))); // never cut
                text.append(piece, bytes);
            }
        }
        CHECK(status == FP4_DONE);
        CHECK(text == expected);
        CHECK(new_tokens == 60);
        CHECK(prompt_left == 0);
        char piece[4];
        size_t bytes = 9;
        CHECK(fp4_gen_read(gen.get(), piece, sizeof piece, &bytes, 0) == FP4_DONE);
        CHECK(bytes == 0);
        CHECK(fp4_gen_step(gen.get(), 0, nullptr) == FP4_DONE);
    }
    REQUIRE(fp4_ctx_truncate(f.ctx.get(), 0) == FP4_OK);
    config.flags |= FP4_GEN_THREADED;
    GenerationHandle gen = start_generation(f.ctx.get(), config);
    CHECK_FAILS(fp4_gen_step(gen.get(), 0, nullptr), FP4_E_STATE);
    std::string text;
    char piece[4];
    size_t bytes = 0;
    fp4_status status;
    do {
        status = fp4_gen_read(gen.get(), piece, sizeof piece, &bytes, 1);
        if (status >= 0) text.append(piece, bytes);
    } while (status == FP4_MORE || status == FP4_E_TIMEOUT);
    CHECK(status == FP4_DONE);
    CHECK(text == expected);
}

TEST_CASE("statistics") {
    Opened f;
    fp4_gen_config config = long_generation();
    GenerationHandle gen = start_generation(f.ctx.get(), config);
    fp4_gen_stats stats = stats_of(gen.get());
    CHECK(stats.seconds_to_first_token < 0);
    CHECK(stats.finish == FP4_FINISH_NONE);
    all_text(gen.get());
    stats = stats_of(gen.get());
    const auto prompt = tokenize(f.model.get(), config.prompt);
    CHECK(stats.prompt_tokens == prompt.size());
    CHECK(stats.generated_tokens == 60);
    CHECK(stats.finish == FP4_FINISH_LENGTH);
    CHECK(stats.seconds_to_first_token > 0);
    CHECK(stats.prefill_tokens_per_second == doctest::Approx(prompt.size() / stats.seconds_to_first_token));
    CHECK(stats.decode_tokens_per_second > 0);
    CHECK(stats.longest_step_seconds > 0);
    fp4_ctx_info info{};
    info.size = sizeof info;
    REQUIRE(fp4_ctx_info_get(f.ctx.get(), &info) == FP4_OK);
    CHECK(info.used == prompt.size() + 59); // the last token was drawn, not run
    config.max_tokens = 0;
    f.generate(config);
    REQUIRE(fp4_ctx_info_get(f.ctx.get(), &info) == FP4_OK);
    CHECK(info.used == info.capacity); // until the context is full
}

TEST_CASE("a callback that stops") {
    Opened f;
    fp4_gen_config config = long_generation();
    struct Seen {
        int calls = 0;
        std::string text;
    } seen;
    fp4_gen_stats stats{};
    stats.size = sizeof stats;
    auto once = [](const char* text, size_t bytes, void* user) -> int32_t {
        auto* to = static_cast<Seen*>(user);
        to->text.append(text, bytes);
        return ++to->calls < 1;
    };
    CHECK_WORKS(fp4_generate(f.ctx.get(), &config, once, &seen, &stats));
    CHECK(seen.calls == 1);
    CHECK((stats.finish == FP4_FINISH_CANCELLED ||
           stats.finish == FP4_FINISH_LENGTH)); // all may come in one slice
    auto all = [](const char* text, size_t bytes, void* user) -> int32_t {
        static_cast<Seen*>(user)->text.append(text, bytes);
        return 1;
    };
    const std::string expected = f.generate(config);
    REQUIRE(fp4_ctx_truncate(f.ctx.get(), 0) == FP4_OK);
    seen.text.clear();
    CHECK_WORKS(fp4_generate(f.ctx.get(), &config, all, &seen, nullptr));
    CHECK(seen.text == expected);
    REQUIRE(fp4_ctx_truncate(f.ctx.get(), 0) == FP4_OK);
    CHECK_WORKS(fp4_generate(f.ctx.get(), &config, nullptr, nullptr, nullptr));
    config.flags = FP4_GEN_THREADED;
    CHECK_FAILS(fp4_generate(f.ctx.get(), &config, nullptr, nullptr, nullptr), FP4_E_ARGUMENT);
}

TEST_CASE("stop strings end the text before them") {
    Opened f;
    fp4_gen_config config = long_generation();
    const std::string full = f.generate(config);
    const std::string stop_text = full.substr(full.size() / 2, 3);
    const char* stops[] = {"", stop_text.c_str()}; // an empty one never matches
    config.stop = stops;
    config.stop_count = 2;
    CHECK(f.generate(config) == full.substr(0, full.find(stop_text)));
    config.stop_count = UINT64_MAX;
    fp4_gen* gen = nullptr;
    CHECK_FAILS(fp4_gen_start(&gen, f.ctx.get(), &config), FP4_E_LIMIT);
}

#if defined(__linux__)
TEST_CASE("low priority is also that of a generation's own thread") {
    ModelHandle model = open_model(golden_folder("llama"));
    fp4_ctx_config ctx_config = ctx_defaults();
    ctx_config.threads = 1; // no other threads of the library
    fp4_gen_config config = long_generation();
    config.flags |= FP4_GEN_THREADED;
    const int own = getpriority(PRIO_PROCESS, 0);
    for (int32_t low : {0, 1}) {
        ctx_config.low_priority = low;
        ContextHandle ctx = create_context(model.get(), &ctx_config);
        bool seen = false;
        for (int attempt = 0; attempt < 50 && !seen;
             ++attempt) { // the thread may have ended before it is looked at
            REQUIRE(fp4_ctx_truncate(ctx.get(), 0) == FP4_OK);
            GenerationHandle gen = start_generation(ctx.get(), config);
            char text[8];
            size_t bytes = 0;
            CHECK(fp4_gen_read(gen.get(), text, sizeof text, &bytes, -1) >= 0);
            for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
                const int task = std::stoi(entry.path().filename().string());
                if (task == getpid()) continue;
                errno = 0;
                const int priority = getpriority(PRIO_PROCESS, static_cast<id_t>(task));
                if (errno != 0) continue; // it ended meanwhile
                seen = true;
                CHECK(priority == (low ? 10 : own));
            }
        }
        CHECK(seen);
        CHECK(getpriority(PRIO_PROCESS, 0) == own);
    }
}
#endif
