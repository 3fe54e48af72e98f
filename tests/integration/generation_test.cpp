// Generation: the same text however it is driven, every reason to finish, honest statistics.
#include "libfp4/engine/generation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/integration/generation_run.h"

using namespace fp4;
using namespace fp4::test;

namespace {

const std::vector<int32_t> prompt = {0, 87, 12, 200, 33, 99, 4, 99, 118, 7, 64, 21, 90};

GenerationRequest request_of(uint32_t max_tokens, float temperature = 0) {
    GenerationRequest request;
    request.prompt = prompt;
    request.max_tokens = max_tokens;
    request.ignore_end = true;
    request.sampling.temperature = temperature;
    request.sampling.seed = 17;
    return request;
}

} // namespace

TEST_CASE("stepped in any pieces or threaded: the same text for the same seed") {
    for (const char* family : {"llama", "gemma3", "qwen2"}) {
        auto model = load_model(golden_models() / family);
        for (float temperature : {0.0f, 1.0f}) {
            CAPTURE(family);
            CAPTURE(temperature);
            auto run = [&](Drive drive, uint64_t budget_us) {
                auto context = make_context(model);
                return run_generation(*context, request_of(40, temperature), drive, budget_us);
            };
            const Run whole = run(Drive::step, std::numeric_limits<uint64_t>::max());
            CHECK(whole.stats.finish == Finish::length);
            CHECK(whole.stats.generated_tokens == 40);
            CHECK(whole.context_tokens.size() == prompt.size() + 39); // the last one was not run
            for (uint64_t budget_us : {0, 50, 1000}) {
                const Run pieces = run(Drive::step, budget_us);
                CHECK(pieces.text == whole.text);
                CHECK(pieces.context_tokens == whole.context_tokens);
            }
            const Run threaded = run(Drive::thread, 0);
            CHECK(threaded.text == whole.text);
            CHECK(threaded.context_tokens == whole.context_tokens);
        }
        auto seeded = [&](uint64_t seed) {
            auto context = make_context(model);
            GenerationRequest request = request_of(40, 1.0f);
            request.sampling.seed = seed;
            return run_generation(*context, request).context_tokens;
        };
        CHECK(seeded(1) != seeded(2));
    }
}

// Two characters that come late enough. Stop strings are compared before bad bytes become U+FFFD.
std::string ascii_piece(const std::string& text) {
    auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    for (size_t i = 3; i + 1 < text.size(); ++i) {
        if (is_ascii(text[i]) && is_ascii(text[i + 1])) return text.substr(i, 2);
    }
    FAIL("the text has no two ASCII characters in a row");
    return {};
}

TEST_CASE("a generation ends at the end token, a stop string, the limit, or a full context") {
    auto model = load_model(golden_models() / "llama");
    const int32_t end = 2;
    REQUIRE(model->is_end_token(end));
    auto run = [&](const GenerationRequest& request, uint32_t capacity = 0) {
        ContextConfig config;
        config.capacity = capacity;
        auto context = make_context(model, config);
        return run_generation(*context, request);
    };
    const Run plain = run(request_of(30));
    REQUIRE(plain.text.size() >= 12);

    GenerationRequest stopped = request_of(30);
    stopped.stops = {"never comes", ascii_piece(plain.text)};
    const Run at_stop = run(stopped);
    CHECK(at_stop.stats.finish == Finish::stop);
    CHECK(at_stop.text == plain.text.substr(0, plain.text.find(stopped.stops[1])));
    CHECK(at_stop.stats.generated_tokens < 30);

    GenerationRequest ended = request_of(30);
    ended.bias = {{end, 1000.0f}};
    ended.ignore_end = false;
    const Run at_end = run(ended);
    CHECK(at_end.stats.finish == Finish::end);
    CHECK(at_end.stats.generated_tokens == 1);
    CHECK(at_end.text.empty());
    ended.ignore_end = true;
    CHECK(run(ended).stats.finish == Finish::length);

    const Run full = run(request_of(0), 20);
    CHECK(full.stats.finish == Finish::full);
    CHECK(full.context_tokens.size() == 20);
    CHECK(full.stats.generated_tokens == 20 - prompt.size() + 1); // the last one has no place any more
    const Run brim = run(request_of(0), static_cast<uint32_t>(prompt.size()));
    CHECK(brim.stats.finish == Finish::full);
    CHECK(brim.stats.generated_tokens == 1);
    CHECK(run(request_of(0)).context_tokens.size() == 128);
    CHECK(run(request_of(1)).stats.generated_tokens == 1);
}

TEST_CASE("requests that cannot work are refused and the context stays") {
    auto model = load_model(golden_models() / "llama");
    ContextConfig config;
    config.capacity = 16;
    auto context = make_context(model, config);
    auto refused = [&](std::vector<int32_t> tokens, Status status) {
        GenerationRequest request = request_of(5);
        request.prompt = std::move(tokens);
        const auto before = context->tokens();
        auto created = Generation::create(*context, request);
        REQUIRE(!created.ok());
        CHECK(created.error().status == status);
        CHECK(context->tokens() == before);
    };
    refused({}, Status::argument); // nothing to go on from
    refused({1, 264}, Status::argument);
    refused({-1}, Status::argument);
    refused(std::vector<int32_t>(17, 3), Status::limit);
    REQUIRE(context->eval(prompt, false).ok());
    refused(std::vector<int32_t>(4, 3), Status::limit);

    GenerationRequest forbidden = request_of(5);
    forbidden.prompt = {5};
    for (int32_t token = 0; token < 264; ++token) forbidden.bias.push_back({token, -INFINITY});
    auto generation = Generation::create(*context, forbidden);
    REQUIRE(generation.ok());
    Result<bool> done = false;
    while (done.ok() && !*done) done = (*generation)->step(1000, nullptr);
    REQUIRE(!done.ok());
    CHECK(done.error().status == Status::state);
    CHECK((*generation)->step(1000, nullptr).error().message == done.error().message); // and again
    CHECK((*generation)->stats().finish == Finish::failed);
}

TEST_CASE("an empty prompt goes on from the context's last token") {
    auto model = load_model(golden_models() / "llama");
    auto expected_context = make_context(model);
    const Run expected = run_generation(*expected_context, request_of(20));

    auto context = make_context(model);
    REQUIRE(context->eval(prompt, false).ok());
    GenerationRequest request = request_of(20);
    request.prompt.clear();
    // A generation that is given up before its first token takes nothing from the context.
    for (int steps : {0, 1}) {
        auto generation = Generation::create(*context, request);
        REQUIRE(generation.ok());
        for (int i = 0; i < steps; ++i) REQUIRE((*generation)->step(0, nullptr).ok());
        (*generation)->stop();
        CHECK(context->tokens() == prompt);
    }
    const Run run = run_generation(*context, request);
    CHECK(run.text == expected.text);
    CHECK(run.context_tokens == expected.context_tokens);
    CHECK(run.stats.prompt_tokens == 0);

    // The next one goes on where this one ended, also in a context that is full.
    ContextConfig config;
    config.capacity = static_cast<uint32_t>(prompt.size());
    auto full = make_context(model, config);
    REQUIRE(full->eval(prompt, false).ok());
    const Run last = run_generation(*full, request);
    CHECK(last.stats.finish == Finish::full);
    CHECK(last.stats.generated_tokens == 1);
    CHECK(last.context_tokens == prompt);
}

TEST_CASE("statistics add up") {
    auto context = make_context(load_model(golden_models() / "gemma3"));
    auto generation = Generation::create(*context, request_of(10));
    REQUIRE(generation.ok());
    CHECK((*generation)->stats().seconds_to_first_token < 0);
    uint32_t tokens = 0, left = static_cast<uint32_t>(prompt.size());
    uint64_t elapsed_us = 0, longest_us = 0, longest_overrun_us = 0;
    Result<bool> done = false;
    while (!*done) {
        StepReport report;
        done = (*generation)->step(0, &report);
        REQUIRE(done.ok());
        CHECK(report.overrun_us == report.elapsed_us); // the whole of a step with no budget
        CHECK(report.prompt_left <= left);
        CHECK(report.new_tokens <= 1);
        if (report.new_tokens > 0) CHECK(report.prompt_left == 0);
        left = report.prompt_left;
        tokens += report.new_tokens;
        elapsed_us += report.elapsed_us;
        longest_us = std::max(longest_us, report.elapsed_us);
        longest_overrun_us = std::max(longest_overrun_us, report.overrun_us);
    }
    CHECK(left == 0);
    CHECK(tokens == 10);
    const GenerationStats stats = (*generation)->stats();
    CHECK(stats.prompt_tokens == prompt.size());
    CHECK(stats.generated_tokens == 10);
    CHECK(stats.decoded_tokens == 9); // the first one belongs to the prompt
    CHECK(stats.seconds_to_first_token > 0);
    CHECK(stats.seconds_to_first_token <= stats.prefill_seconds + 1e-9);
    CHECK(stats.decode_seconds > 0);
    CHECK(std::abs(stats.longest_step_seconds * 1e6 - double(longest_us)) <= 1.0); // reports are in whole us
    CHECK(std::abs(stats.longest_overrun_seconds * 1e6 - double(longest_overrun_us)) <= 1.0);
    // Steps also do bookkeeping, so they take at least what they account for.
    CHECK(stats.prefill_seconds + stats.decode_seconds <= (double(elapsed_us) + 1000) * 1e-6);
    StepReport unlimited;
    CHECK(*(*generation)->step(1000, &unlimited)); // finished stays finished
}
