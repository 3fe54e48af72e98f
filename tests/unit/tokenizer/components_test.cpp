// Single components against the Python package tokenizers (tests/golden/make/tokenizer_components.py): word
// patterns, which are Oniguruma's there and PCRE2's here, other pre-tokenizers, and normalizers.
#include <doctest/doctest.h>

#include "libfp4/text/tokenizer/json_components.h"
#include "tests/unit/tokenizer/test_files.h"

using namespace fp4;
using namespace fp4::tokenization;
using nlohmann::json;

namespace {

template <class Check>
void for_each_case(const char* name, Check check) {
    json file = test::golden(name);
    CHECK(file["cases"].size() > 10);
    for (const json& test_case : file["cases"]) {
        std::string component = test_case["component"].dump();
        CAPTURE(component);
        size_t step = test_case["step"].get<size_t>();
        for (size_t i = 0; i < test_case["results"].size(); ++i) {
            std::string text = test::text_of(file["texts"][i * step]);
            CAPTURE(text);
            check(test_case["component"], text, test_case["results"][i]);
        }
    }
}

JsonValue parsed_again(const json& component) {
    auto parsed = parse_json(component.dump(), "component");
    REQUIRE_MESSAGE(parsed.ok(), parsed.error().message);
    return std::move(*parsed);
}

void check_pieces(const json& component, const std::string& text, const json& wanted) {
    auto parsed = pre_tokenizer_from_json(parsed_again(component));
    REQUIRE_MESSAGE(parsed.ok(), parsed.error().message);
    Pieces pieces(text, true);
    for (const auto& step : parsed->steps) REQUIRE(step->apply(pieces).ok());
    std::vector<std::string> found;
    for (Span span : pieces.spans()) found.emplace_back(pieces.piece(span));
    CHECK(json(found) == wanted);
}

} // namespace

TEST_CASE("word patterns cut as Oniguruma cuts") {
    for_each_case("regexes.json", check_pieces);
}

TEST_CASE("pre-tokenizers cut as the Python package does") {
    for_each_case("pre_tokenizers.json", check_pieces);
}

TEST_CASE("normalizers rewrite as the Python package does") {
    for_each_case("normalizers.json", [](const json& component, std::string text, const json& wanted) {
        auto normalizer = normalizer_from_json(parsed_again(component));
        REQUIRE_MESSAGE(normalizer.ok(), normalizer.error().message);
        REQUIRE(normalize(*normalizer, text).ok());
        CHECK(json(text) == wanted);
    });
}
