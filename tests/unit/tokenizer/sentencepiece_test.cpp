// Exactness of SentencePiece vocabularies as GGUF files hold them, against the sentencepiece package itself
// (tests/golden/make/tokenizer_sentencepiece.py).
#include <doctest/doctest.h>

#include "libfp4/io/gguf_metadata.h"
#include "libfp4/text/tokenizer/tokenizer.h"
#include "tests/unit/tokenizer/test_files.h"

using namespace fp4;
using nlohmann::json;

namespace {

GgufMetadata metadata_of(const json& model) {
    std::vector<std::string> tokens;
    std::vector<double> scores;
    std::vector<int64_t> types;
    for (const json& piece : model["pieces"]) {
        tokens.push_back(test::text_of(piece[0]));
        scores.push_back(piece[1].get<double>());
        types.push_back(piece[2].get<int64_t>());
    }
    GgufMetadata metadata;
    metadata.set("tokenizer.ggml.model", std::string("llama"));
    metadata.set("tokenizer.ggml.tokens", std::move(tokens));
    metadata.set("tokenizer.ggml.scores", std::move(scores));
    metadata.set("tokenizer.ggml.token_type", std::move(types));
    metadata.set("tokenizer.ggml.unknown_token_id", uint64_t{0});
    metadata.set("tokenizer.ggml.bos_token_id", uint64_t{1});
    metadata.set("tokenizer.ggml.eos_token_id", uint64_t{2});
    metadata.set("tokenizer.ggml.add_space_prefix", model["add_space_prefix"].get<bool>());
    metadata.set("tokenizer.ggml.remove_extra_whitespaces", model["remove_extra_whitespaces"].get<bool>());
    return metadata;
}

} // namespace

TEST_CASE("ids and texts are those of the sentencepiece package") {
    json models = test::golden("sentencepiece.json");
    CHECK(models.size() == 3);
    for (const json& model : models) {
        std::string name = test::text_of(model["name"]);
        CAPTURE(name);
        auto tokenizer = Tokenizer::from_gguf(metadata_of(model), name);
        REQUIRE_MESSAGE(tokenizer.ok(), tokenizer.error().message);
        CHECK(model["cases"].size() > 50);
        for (const json& expected : model["cases"]) {
            std::string text = test::text_of(expected[0]);
            CAPTURE(text);
            auto ids = (*tokenizer)->encode(text, false, SpecialPolicy::none);
            REQUIRE(ids.ok());
            CHECK(json(*ids) == expected[1]);
            auto framed = (*tokenizer)->encode(text, true, SpecialPolicy::none);
            REQUIRE(framed.ok());
            CHECK(framed->size() == ids->size() + 1);
            CHECK(framed->front() == 1); // SentencePiece files add BOS unless they say otherwise
            if (expected[2].is_null()) continue;
            auto decoded = (*tokenizer)->decode(*ids, false);
            REQUIRE(decoded.ok());
            CHECK(*decoded == test::text_of(expected[2]));
        }
    }
}
