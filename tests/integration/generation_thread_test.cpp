// Generations on threads: reading, timeouts, cancelling, closing early, several at once.
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "tests/integration/generation_run.h"

using namespace fp4;
using namespace fp4::test;

namespace {

GenerationRequest endless(std::vector<int32_t> prompt = {0, 40, 41, 42}) {
    GenerationRequest request;
    request.prompt = std::move(prompt);
    request.ignore_end = true;
    return request;
}

std::unique_ptr<Generation> started(Context& context, const GenerationRequest& request) {
    auto generation = Generation::create(context, request);
    REQUIRE_MESSAGE(generation.ok(), generation.error().message);
    auto thread = (*generation)->start_thread();
    REQUIRE_MESSAGE(thread.ok(), thread.error().message);
    return std::move(*generation);
}

std::vector<int32_t> first_tokens(const std::vector<int32_t>& tokens, size_t count) {
    REQUIRE(tokens.size() >= count);
    return {tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(count)};
}

} // namespace

TEST_CASE("reading with a timeout waits, says so, and loses nothing") {
    auto model = load_model(golden_models() / "gemma3");
    auto expected_context = make_context(model);
    const std::string expected = run_generation(*expected_context, endless()).text;

    auto context = make_context(model);
    auto generation = started(*context, endless());
    std::string text;
    for (bool done = false; !done;) {
        char piece[16];
        size_t bytes = 99;
        const auto start = std::chrono::steady_clock::now();
        auto read = generation->read(piece, sizeof piece, bytes, 1);
        REQUIRE(read.ok());
        text.append(piece, bytes);
        if (*read == Generation::Read::timeout) {
            CHECK(bytes == 0);
            CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(1));
        }
        done = *read == Generation::Read::done;
    }
    CHECK(text == expected);
    size_t bytes = 99;
    char piece[16];
    CHECK(*generation->read(piece, sizeof piece, bytes, -1) == Generation::Read::done); // and stays done
    CHECK(bytes == 0);
}

TEST_CASE("a generation without a thread never blocks a reader") {
    auto context = make_context(load_model(golden_models() / "llama"));
    auto generation = Generation::create(*context, endless());
    REQUIRE(generation.ok());
    char piece[16];
    size_t bytes = 99;
    CHECK(*(*generation)->read(piece, sizeof piece, bytes, -1) == Generation::Read::more);
    CHECK(bytes == 0);
}

TEST_CASE("cancelling ends a generation, and the context can be used on") {
    auto model = load_model(golden_models() / "llama");
    for (bool threaded : {false, true}) {
        CAPTURE(threaded);
        auto context = make_context(model);
        auto generation = Generation::create(*context, endless());
        REQUIRE(generation.ok());
        REQUIRE((*generation)->step(0, nullptr).ok());
        if (threaded) REQUIRE((*generation)->start_thread().ok());
        (*generation)->cancel();
        if (!threaded) CHECK(*(*generation)->step(1000, nullptr));
        read_text(**generation); // wakes and ends
        const GenerationStats stats = (*generation)->stats();
        // The thread may have come to the end of the context first.
        CHECK((stats.finish == Finish::cancelled || (threaded && stats.finish == Finish::full)));
        (*generation)->stop();
        CHECK(!context->in_pass());
        REQUIRE(context->truncate(0).ok());
        auto again = run_generation(*context, endless());
        auto fresh = make_context(model);
        CHECK(again.text == run_generation(*fresh, endless()).text);
    }
}

TEST_CASE("a prompt cancelled midway leaves its finished chunks in the context") {
    ContextConfig config;
    config.chunk = 2;
    auto context = make_context(load_model(golden_models() / "llama"), config);
    auto generation = Generation::create(*context, endless({0, 9, 8, 7, 6, 5, 4, 3}));
    REQUIRE(generation.ok());
    for (int i = 0; i < 5; ++i) REQUIRE((*generation)->step(0, nullptr).ok());
    (*generation)->stop();
    CHECK(context->used() > 0);
    CHECK(context->used() < 8);
    CHECK(context->tokens() == first_tokens({0, 9, 8, 7, 6, 5, 4, 3}, context->used()));
}

TEST_CASE("closing while the thread runs") {
    auto model = load_model(golden_models() / "gemma3");
    for (int i = 0; i < 20; ++i) {
        auto context = make_context(model);
        auto generation = started(*context, endless());
        if (i % 2 == 1) std::this_thread::sleep_for(std::chrono::microseconds(200 * i));
        if (i % 4 >= 2) generation->stop();
        generation.reset();
        CHECK(!context->in_pass());
    }
}

TEST_CASE("two contexts of one model generate at once, each its own text") {
    auto model = load_model(golden_models() / "llama_rope3");
    const std::vector<int32_t> prompts[] = {{0, 50, 51}, {0, 90, 30, 31}};
    std::string expected[2];
    for (int i = 0; i < 2; ++i) {
        auto context = make_context(model);
        expected[i] = run_generation(*context, endless(prompts[i])).text;
    }
    CHECK(expected[0] != expected[1]);
    for (int round = 0; round < 5; ++round) {
        auto first_context = make_context(model), second_context = make_context(model);
        auto first = started(*first_context, endless(prompts[0]));
        auto second = started(*second_context, endless(prompts[1]));
        CHECK(read_text(*second) == expected[1]);
        CHECK(read_text(*first) == expected[0]);
    }
}

TEST_CASE("a context outlives its model's other users") {
    auto model = load_model(golden_models() / "llama");
    auto context = make_context(model);
    auto generation = started(*context, endless());
    model.reset();
    CHECK(!read_text(*generation).empty());
}
