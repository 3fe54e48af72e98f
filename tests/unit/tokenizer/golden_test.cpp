// Exactness against the Python package tokenizers on small tokenizers that have the components of published
// models (tests/golden/make/tokenizer_vectors.py).
#include <doctest/doctest.h>

#include "libfp4/text/tokenizer/tokenizer.h"
#include "tests/unit/tokenizer/test_files.h"

using namespace fp4;
using nlohmann::json;

namespace {

std::shared_ptr<const Tokenizer> load(const json& file) {
    auto tokenizer = Tokenizer::from_json(file["tokenizer"].dump(), "", "golden");
    REQUIRE_MESSAGE(tokenizer.ok(), tokenizer.error().message);
    return *tokenizer;
}

void check_case(const Tokenizer& tokenizer, const json& expected) {
    std::string text = test::text_of(expected["text"]);
    CAPTURE(text);
    auto plain = tokenizer.encode(text, false, SpecialPolicy::none);
    REQUIRE(plain.ok());
    CHECK(json(*plain) == expected["plain"]);
    auto parsed = tokenizer.encode(text, true, SpecialPolicy::parse);
    REQUIRE(parsed.ok());
    CHECK(json(*parsed) == expected["parsed"]);
    for (bool include_special : {false, true}) {
        if (!expected.contains("decoded")) continue;
        std::string wanted = test::text_of(expected[include_special ? "decoded_all" : "decoded"]);
        auto decoded = tokenizer.decode(*parsed, include_special);
        REQUIRE(decoded.ok());
        CHECK(*decoded == wanted);
        TokenStream stream(tokenizer, true, include_special);
        std::string streamed;
        for (int32_t id : *parsed) streamed += stream.push(id);
        CHECK(streamed == wanted);
    }
}

} // namespace

TEST_CASE("ids and texts are those of the Python package") {
    for (const char* name : {"gpt2", "gpt2-prefix-space", "smollm2", "llama3", "qwen2", "deepseek-v3",
                             "llama2", "llama2-metaspace", "gemma", "metaspace-unknown", "added-tokens"}) {
        CAPTURE(name);
        json file = test::golden(std::string(name) + ".json");
        auto tokenizer = load(file);
        CHECK(file["cases"].size() > 60);
        for (const json& expected : file["cases"]) check_case(*tokenizer, expected);
    }
}
