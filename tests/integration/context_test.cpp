// A context's tokens and logits do not depend on how they were reached, and a failed call changes nothing.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "tests/integration/test_models.h"

using namespace fp4;
using namespace fp4::test;

namespace {

std::vector<int32_t> some_tokens(size_t count) {
    std::vector<int32_t> tokens;
    for (size_t i = 0; i < count; ++i) tokens.push_back(static_cast<int32_t>((i * i * 31 + 7 * i + 3) % 261));
    return tokens;
}

void eval(Context& context, std::span<const int32_t> tokens, bool all = false) {
    auto done = context.eval(tokens, all);
    REQUIRE_MESSAGE(done.ok(), done.error().message);
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    REQUIRE(a.size() == b.size());
    double largest = 0;
    for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, double(std::abs(a[i] - b[i])));
    return largest;
}

// Rounding only: the order of float sums may differ with the number of rows. Logits are of the order of 10.
constexpr double rounding = 1e-4;
const char* const families[] = {"llama", "gemma3", "mistral", "qwen3"};

} // namespace

TEST_CASE("evaluation in pieces of any size gives the logits of evaluation at once") {
    for (const char* family : families) {
        CAPTURE(family);
        auto model = load_model(golden_models() / family);
        const auto tokens = some_tokens(41);
        ContextConfig config;
        config.kv_format = KvFormat::f32;
        auto whole = make_context(model, config);
        eval(*whole, tokens);
        const auto expected = last_logits(*whole);
        for (uint32_t chunk : {1u, 5u, 40u}) {
            config.chunk = chunk;
            auto pieces = make_context(model, config);
            eval(*pieces, tokens);
            CHECK(largest_difference(last_logits(*pieces), expected) <= rounding);
        }
        auto calls = make_context(model, config);
        for (size_t first = 0, size = 1; first < tokens.size(); first += size, size = size * 2 + 1) {
            eval(*calls, std::span(tokens).subspan(first, std::min(size, tokens.size() - first)));
        }
        CHECK(calls->tokens() == tokens);
        CHECK(largest_difference(last_logits(*calls), expected) <= rounding);
    }
}

TEST_CASE("truncating and evaluating again gives the same logits") {
    for (const char* family : families) {
        CAPTURE(family);
        auto context = make_context(load_model(golden_models() / family));
        const auto tokens = some_tokens(50);
        eval(*context, tokens);
        const auto expected = last_logits(*context);
        for (size_t kept : {49, 30, 1, 0}) {
            REQUIRE(context->truncate(kept).ok());
            CHECK(context->used() == kept);
            std::vector<float> row(context->model().config.vocabulary);
            CHECK(context->logits(0, row).error().status == Status::state);
            // Something else in between must leave no trace.
            if (kept == 1) {
                eval(*context, some_tokens(20));
                REQUIRE(context->truncate(kept).ok());
            }
            eval(*context, std::span(tokens).subspan(kept));
            CHECK(largest_difference(last_logits(*context), expected) <= rounding);
        }
        CHECK(context->truncate(51).error().status == Status::argument);
        CHECK(context->tokens() == tokens);
    }
}

TEST_CASE("tokens that do not fit or do not exist are refused and the context stays as it was") {
    ContextConfig config;
    config.capacity = 16;
    auto context = make_context(load_model(golden_models() / "llama"), config);
    const auto tokens = some_tokens(12);
    eval(*context, tokens);
    const auto logits = last_logits(*context);
    auto refused = [&](const std::vector<int32_t>& more, Status status) {
        auto failed = context->eval(more, false);
        REQUIRE(!failed.ok());
        CHECK(failed.error().status == status);
        CHECK(failed.error().message.size() > 10);
        CHECK(context->tokens() == tokens);
        CHECK(last_logits(*context) == logits);
    };
    refused(some_tokens(5), Status::limit);
    refused({}, Status::argument);
    refused({1, 2, -1}, Status::argument);
    refused({1, 264}, Status::argument);
    refused({INT32_MIN}, Status::argument);
    eval(*context, some_tokens(4)); // exactly full
    CHECK(context->used() == 16);
    CHECK(context->eval(some_tokens(1), false).error().status == Status::limit);

    config.capacity = 129; // the model was made for 128
    CHECK(Context::create(load_model(golden_models() / "llama"), config).error().status == Status::argument);
}

TEST_CASE("rows of logits: asked for, out of range, and gone after the next pass") {
    auto context = make_context(load_model(golden_models() / "llama"));
    std::vector<float> row(264), small(263);
    CHECK(context->logits(0, row).error().status == Status::state);
    eval(*context, some_tokens(20), true);
    CHECK(context->logits(19, row).ok());
    CHECK(context->logits(20, row).error().status == Status::argument);
    CHECK(context->logits(0, small).error().status == Status::space);
    const auto last_of_all = row;
    eval(*context, some_tokens(1));
    CHECK(context->logits(1, row).error().status == Status::argument);
    CHECK(last_logits(*context) != last_of_all);

    // The rows kept by eval are not mistaken for those of a pass run in pieces afterwards.
    REQUIRE(context->truncate(0).ok());
    eval(*context, some_tokens(20), true);
    REQUIRE(context->truncate(19).ok());
    const auto last = some_tokens(20).back();
    REQUIRE(context->begin_pass({&last, 1}).ok());
    while (context->in_pass()) REQUIRE(context->advance_pass().ok());
    REQUIRE(context->advance_head(context->head_rows()).ok());
    CHECK(largest_difference(last_logits(*context), last_of_all) <= 1e-2); // f16 KV, another chunk
}

TEST_CASE("an evaluation cancelled from another thread leaves the tokens as before") {
    ContextConfig config;
    config.chunk = 4;
    auto context = make_context(load_model(golden_models() / "gemma3"), config);
    const auto before = some_tokens(8), more = some_tokens(120);
    eval(*context, before);
    std::atomic<bool> stop{false};
    std::thread canceller([&] {
        while (!stop.load()) context->cancel();
    });
    bool cancelled = false;
    for (int attempt = 0; attempt < 10000 && !cancelled; ++attempt) {
        auto result = context->eval(more, false);
        cancelled = !result.ok();
        if (cancelled) {
            CHECK(result.error().status == Status::cancelled);
            CHECK(context->tokens() == before);
            CHECK(context->published_used() == before.size());
        } else if (!context->truncate(before.size()).ok()) {
            break;
        }
    }
    stop = true;
    canceller.join();
    CHECK(cancelled);
    eval(*context, more); // a later evaluation is not cancelled
    auto fresh = make_context(load_model(golden_models() / "gemma3"), config);
    eval(*fresh, before);
    eval(*fresh, more);
    CHECK(last_logits(*context) == last_logits(*fresh));
}
