// Saved contexts: restored exactly, bound to model and format, and damage never gets into a context.
#include "libfp4/engine/context_state.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/integration/test_models.h"

using namespace fp4;
using namespace fp4::test;

namespace {

using Bytes = std::vector<uint8_t>;

const std::vector<int32_t> prompt = {0, 87, 12, 200, 33, 260, 4, 99, 118, 7, 64};

std::unique_ptr<Context> prompted(const std::shared_ptr<const Model>& model,
                                  KvFormat format = KvFormat::f16) {
    ContextConfig config;
    config.kv_format = format;
    auto context = make_context(model, config);
    REQUIRE(context->eval(prompt, false).ok());
    return context;
}

Bytes saved(Context& context) {
    Bytes bytes;
    auto done = save_state(context, [&](std::span<const uint8_t> part) -> Result<void> {
        bytes.insert(bytes.end(), part.begin(), part.end());
        return {};
    });
    REQUIRE_MESSAGE(done.ok(), done.error().message);
    return bytes;
}

Result<void> load(Context& context, const Bytes& bytes) {
    return load_state(context, *memory_source("state", bytes));
}

// The next tokens without sampling, which is what a player sees after loading.
std::vector<int32_t> greedy(Context& context, size_t count) {
    std::vector<int32_t> drawn;
    for (size_t i = 0; i < count; ++i) {
        auto logits = last_logits(context);
        drawn.push_back(static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin()));
        REQUIRE(context.eval({&drawn.back(), 1}, false).ok());
    }
    return drawn;
}

// Loading must fail with one of the statuses and leave the context's bytes as they were.
void check_refused(Context& context, const Bytes& bytes, std::initializer_list<Status> statuses) {
    const Bytes before = saved(context);
    auto result = load(context, bytes);
    REQUIRE(!result.ok());
    CAPTURE(result.error().message);
    CHECK(std::ranges::find(statuses, result.error().status) != statuses.end());
    CHECK(result.error().message.starts_with("state: "));
    CHECK(saved(context) == before);
}

} // namespace

TEST_CASE("a restored context continues exactly like the saved one") {
    for (const char* family : {"llama", "gemma3", "qwen2"}) {
        for (KvFormat format : {KvFormat::f16, KvFormat::f32, KvFormat::mxfp8, KvFormat::mxfp4}) {
            CAPTURE(family);
            auto model = load_model(golden_models() / family);
            auto original = prompted(model, format);
            const Bytes state = saved(*original);
            auto restored = prompted(load_model(golden_models() / family), format);
            REQUIRE(restored->eval(prompt, false).ok()); // something to be replaced
            auto loaded = load(*restored, state);
            REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
            CHECK(restored->tokens() == prompt);
            CHECK(restored->published_used() == prompt.size());
            CHECK(saved(*restored) == state);
            std::vector<float> row(264);
            CHECK(restored->logits(0, row).error().status == Status::state);
            // Logits are not part of the state: the last token is run again.
            for (Context* context : {original.get(), restored.get()}) {
                REQUIRE(context->truncate(prompt.size() - 1).ok());
                REQUIRE(context->eval({&prompt.back(), 1}, false).ok());
            }
            CHECK(greedy(*restored, 20) == greedy(*original, 20));
        }
    }
}

TEST_CASE("an empty context can be saved and restored") {
    auto model = load_model(golden_models() / "llama");
    auto empty = make_context(model);
    const Bytes state = saved(*empty);
    auto used = prompted(model);
    REQUIRE(load(*used, state).ok());
    CHECK(used->used() == 0);
}

TEST_CASE("states of another model, KV format, version or size are refused") {
    auto model = load_model(golden_models() / "llama");
    auto context = prompted(model);
    const Bytes state = saved(*context);
    check_refused(*context, saved(*prompted(load_model(golden_models() / "llama_untied"))), {Status::state});
    check_refused(*context, saved(*prompted(load_model(golden_models() / "mistral"))), {Status::state});
    for (KvFormat other : {KvFormat::f32, KvFormat::mxfp8, KvFormat::mxfp4})
        check_refused(*context, saved(*prompted(model, other)), {Status::state});
    Bytes newer = state;
    newer[8] += 1;
    check_refused(*context, newer, {Status::version});
    Bytes other_magic = state;
    other_magic[0] = 'G';
    check_refused(*context, other_magic, {Status::format});
    ContextConfig small;
    small.capacity = static_cast<uint32_t>(prompt.size()) - 1;
    auto too_small = make_context(model, small);
    check_refused(*too_small, state, {Status::limit});
}

TEST_CASE("a truncated state is refused at every length") {
    auto model = load_model(golden_models() / "llama");
    auto context = prompted(model);
    const Bytes state = saved(*context);
    auto other = make_context(model);
    REQUIRE(other->eval({prompt.data(), 3}, false).ok());
    std::mt19937 random(20240); // fixed: the same points in every run
    for (int i = 0; i < 60; ++i) {
        size_t length = i < 45 ? static_cast<size_t>(i) : random() % state.size();
        CAPTURE(length);
        check_refused(*other, Bytes(state.begin(), state.begin() + static_cast<ptrdiff_t>(length)),
                      {Status::format, Status::corrupt});
    }
    Bytes longer = state;
    longer.push_back(0);
    check_refused(*other, longer, {Status::corrupt});
}

TEST_CASE("flipped bits give an error, or the very same content") {
    auto model = load_model(golden_models() / "llama");
    auto original = prompted(model);
    const Bytes state = saved(*original);
    auto other = make_context(model);
    REQUIRE(other->eval({prompt.data(), 3}, false).ok());
    const Bytes before = saved(*other);
    std::mt19937 random(7);
    size_t refused = 0;
    for (size_t i = 0; i < 400; ++i) {
        Bytes damaged = state;
        // Every header bit first, then anywhere. A few bits of a zstd frame header mean nothing.
        size_t bit = i < 8 * 40 ? i : random() % (8 * state.size());
        damaged[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
        CAPTURE(bit);
        if (load(*other, damaged).ok()) {
            CHECK(bit >= 8 * 40);
            CHECK(saved(*other) == state);
            REQUIRE(load(*other, before).ok());
        } else {
            ++refused;
            CHECK(saved(*other) == before);
        }
    }
    CHECK(refused >= 390);
}

TEST_CASE("a state file appears complete or not at all") {
    TemporaryFolder folder;
    auto context = prompted(load_model(golden_models() / "llama"));
    const std::string path = (folder / "game.state").string();
    REQUIRE(save_state_file(*context, path).ok());
    std::ifstream file(path, std::ios::binary);
    CHECK(Bytes(std::istreambuf_iterator<char>(file), {}) == saved(*context));
    const auto entries = std::filesystem::directory_iterator(folder / "");
    CHECK(std::distance(begin(entries), end(entries)) == 1);

    const auto missing = (folder / "none" / "game.state").string();
    auto failed = save_state_file(*context, missing);
    REQUIRE(!failed.ok());
    CHECK(failed.error().status == Status::io);
    CHECK(failed.error().message.find(missing) != std::string::npos);

    // A save that fails midway leaves the earlier file alone.
    auto interrupted = save_state(
        *context, [](std::span<const uint8_t>) -> Result<void> { return error(Status::io, "disk full"); });
    REQUIRE(!interrupted.ok());
    CHECK(interrupted.error().status == Status::io);
    CHECK(context->tokens() == prompt);
    auto source = open_file(path, false);
    REQUIRE(source.ok());
    CHECK(load_state(*context, **source).ok());
}
