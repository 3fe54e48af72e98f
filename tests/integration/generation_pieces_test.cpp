// The pieces a generation works in: how many there are, that none shows in the result, and that it can be
// given up after any of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "libfp4/engine/context_state.h"
#include "tests/integration/generation_run.h"

using namespace fp4;
using namespace fp4::test;

namespace {

const std::vector<int32_t> prompt = {0, 87, 12, 200, 33, 99, 4, 99, 118, 7, 64, 21, 90};
// Of steps without a budget: 8 tokens as a first guess, then two by two.
const size_t prompt_passes = 1 + (prompt.size() - 8 + 1) / 2;
constexpr uint64_t unlimited = std::numeric_limits<uint64_t>::max();

GenerationRequest request_of(uint32_t max_tokens) {
    GenerationRequest request;
    request.prompt = prompt;
    request.max_tokens = max_tokens;
    request.ignore_end = true;
    return request;
}

std::unique_ptr<Generation> begun(Context& context, const GenerationRequest& request) {
    auto created = Generation::create(context, request);
    REQUIRE_MESSAGE(created.ok(), created.error().message);
    return std::move(*created);
}

void finish_pass(Context& context, const std::vector<int32_t>& tokens) {
    REQUIRE(context.begin_pass(tokens).ok());
    while (context.in_pass()) REQUIRE(context.advance_pass().ok());
}

} // namespace

TEST_CASE("without a budget a step is one piece, and the text is that of undivided work") {
    for (const char* family : {"llama", "gemma3", "qwen2"}) {
        CAPTURE(family);
        auto model = load_model(golden_models() / family);
        auto whole_context = make_context(model);
        const Run whole = run_generation(*whole_context, request_of(10), Drive::step, unlimited);

        auto context = make_context(model);
        auto generation = begun(*context, request_of(10));
        size_t steps = 0;
        for (bool done = false; !done; ++steps) {
            auto stepped = generation->step(0, nullptr);
            REQUIRE(stepped.ok());
            done = *stepped;
        }
        CHECK(context->tokens() == whole.context_tokens);

        // The prompt, and 9 tokens of the 10. Each token: its head in tiles, and a draw.
        const size_t passes = prompt_passes + 9;
        const size_t head_pieces = (model->config.vocabulary + 15) / 16;
        CHECK(steps == passes * model->config.layers + 10 * (head_pieces + 1));
    }
}

TEST_CASE("a step without a limit is the whole generation") {
    auto context = make_context(load_model(golden_models() / "llama"));
    auto generation = begun(*context, request_of(10));
    auto stepped = generation->step(unlimited, nullptr);
    REQUIRE(stepped.ok());
    CHECK(*stepped);
    CHECK(generation->stats().generated_tokens == 10);
}

TEST_CASE("given up after any piece: the tokens of whole passes stay, and it can be gone on from there") {
    auto model = load_model(golden_models() / "llama");
    auto expected_context = make_context(model);
    const Run expected = run_generation(*expected_context, request_of(6), Drive::step, unlimited);
    // From the end of the prompt through the first token's head and into the second one's.
    const size_t layers = model->config.layers, prompt_steps = prompt_passes * layers;
    const size_t token_steps = (model->config.vocabulary + 15) / 16 + 1 + layers;
    for (size_t steps = prompt_steps; steps <= prompt_steps + token_steps + 5; ++steps) {
        CAPTURE(steps);
        auto context = make_context(model);
        auto generation = begun(*context, request_of(6));
        for (size_t i = 0; i < steps; ++i) REQUIRE(generation->step(0, nullptr).ok());
        const bool cancels = steps % 2 == 0;
        if (cancels) {
            generation->cancel();
            CHECK(*generation->step(0, nullptr));
        }
        generation->stop();
        CHECK(generation->stats().finish == Finish::cancelled);
        const std::vector<int32_t> kept = context->tokens();
        REQUIRE(kept.size() == prompt.size() + (steps >= prompt_steps + token_steps ? 1 : 0));
        CHECK(std::equal(kept.begin(), kept.end(), expected.context_tokens.begin()));
        std::vector<float> logits(model->config.vocabulary);
        const bool drawn = steps >= prompt_steps + token_steps - layers - 1; // the head was complete
        if (!drawn) CHECK(context->logits(0, logits).error().status == Status::state);

        // Saved and loaded elsewhere, or in place: an empty prompt goes on.
        std::vector<uint8_t> state;
        REQUIRE(save_state(*context, [&](std::span<const uint8_t> part) -> Result<void> {
                    state.insert(state.end(), part.begin(), part.end());
                    return {};
                }).ok());
        auto restored = make_context(model);
        REQUIRE(load_state(*restored, *memory_source("state", state)).ok());
        GenerationRequest rest = request_of(static_cast<uint32_t>(6 - (kept.size() - prompt.size())));
        rest.prompt.clear();
        CHECK(run_generation(*context, rest, Drive::step, 0).context_tokens == expected.context_tokens);
        CHECK(run_generation(*restored, rest).context_tokens == expected.context_tokens);
    }
}

TEST_CASE("a head in any pieces gives the same logits") {
    std::mt19937 random(7);
    for (const char* family : {"llama", "gemma3", "qwen2"}) {
        CAPTURE(family);
        auto context = make_context(load_model(golden_models() / family));
        const size_t rows = context->head_rows();
        finish_pass(*context, prompt);
        CHECK(context->head_left() == rows);
        CHECK(*context->advance_head(rows));
        CHECK(context->head_left() == 0);
        const std::vector<float> whole = last_logits(*context);
        for (int round = 0; round < 10; ++round) {
            REQUIRE(context->truncate(0).ok());
            finish_pass(*context, prompt);
            std::vector<float> logits(rows);
            for (bool complete = false; !complete;) {
                const size_t left = context->head_left();
                const size_t piece = round == 0 ? 1 : 1 + random() % rows;
                auto advanced = context->advance_head(piece);
                REQUIRE(advanced.ok());
                complete = *advanced;
                CHECK(context->head_left() == left - std::min((piece + 15) / 16 * 16, left));
                if (!complete) CHECK(context->logits(0, logits).error().status == Status::state);
            }
            CHECK(last_logits(*context) == whole);
            CHECK(*context->advance_head(1)); // nothing is left to do
            CHECK(last_logits(*context) == whole);
        }
    }
}

TEST_CASE("a head needs a complete pass, and a new pass begins it anew") {
    auto context = make_context(load_model(golden_models() / "llama"));
    CHECK(context->advance_head(1).error().status == Status::state);
    finish_pass(*context, prompt);
    CHECK(*context->advance_head(context->head_rows()));
    const std::vector<float> expected = last_logits(*context);

    REQUIRE(context->truncate(0).ok());
    CHECK(context->advance_head(1).error().status == Status::state);
    finish_pass(*context, {5, 6, 7});
    CHECK(!*context->advance_head(100)); // dropped
    REQUIRE(context->truncate(0).ok());
    REQUIRE(context->begin_pass(prompt).ok());
    CHECK(context->advance_head(1).error().status == Status::state);
    context->abandon_pass();
    CHECK(context->advance_head(1).error().status == Status::state);
    finish_pass(*context, prompt);
    CHECK(context->head_left() == context->head_rows());
    while (!*context->advance_head(33)) {
    }
    CHECK(last_logits(*context) == expected);
}
