// A byte-level tokenizer.json and the same vocabulary in GGUF keys, with the name of its word pattern, give
// the same.
#include <doctest/doctest.h>

#include "libfp4/io/gguf_metadata.h"
#include "libfp4/text/tokenizer/known_patterns.h"
#include "libfp4/text/tokenizer/regex.h"
#include "libfp4/text/tokenizer/tokenizer.h"
#include "tests/unit/tokenizer/test_files.h"

using namespace fp4;
using nlohmann::json;

namespace {

GgufMetadata metadata_of(const json& tokenizer, const std::string& pre) {
    std::vector<std::string> tokens, merges;
    std::vector<int64_t> types;
    auto place = [&](size_t id, const std::string& text, int64_t type) {
        if (id >= tokens.size()) {
            tokens.resize(id + 1);
            types.resize(id + 1, 5);
        }
        tokens[id] = text;
        types[id] = type;
    };
    for (const auto& [text, id] : tokenizer["model"]["vocab"].items()) place(id.get<size_t>(), text, 1);
    for (const json& token : tokenizer["added_tokens"]) {
        place(token["id"].get<size_t>(), test::text_of(token["content"]),
              token["special"].get<bool>() ? 3 : 4);
    }
    for (const json& merge : tokenizer["model"]["merges"]) {
        merges.push_back(test::text_of(merge[0]) + " " + test::text_of(merge[1]));
    }
    GgufMetadata metadata;
    metadata.set("tokenizer.ggml.model", std::string("gpt2"));
    metadata.set("tokenizer.ggml.pre", pre);
    metadata.set("tokenizer.ggml.tokens", std::move(tokens));
    metadata.set("tokenizer.ggml.token_type", std::move(types));
    metadata.set("tokenizer.ggml.merges", std::move(merges));
    metadata.set("tokenizer.ggml.bos_token_id", uint64_t{0});
    metadata.set("tokenizer.ggml.eos_token_id", uint64_t{0});
    return metadata;
}

} // namespace

TEST_CASE("word patterns by their GGUF names") {
    struct {
        const char* file;
        const char* pre;
        bool adds_bos;
    } const cases[] = {
        {"gpt2.json", "gpt-2", false},
        {"smollm2.json", "smollm", false},
        {"llama3.json", "llama-bpe", true},
        {"qwen2.json", "qwen2", false},
        {"deepseek-v3.json", "deepseek-v3", false},
    };
    for (const auto& named : cases) {
        std::string pre = named.pre;
        CAPTURE(pre);
        json document = test::golden(named.file);
        auto tokenizer = Tokenizer::from_gguf(metadata_of(document["tokenizer"], pre), named.file);
        REQUIRE_MESSAGE(tokenizer.ok(), tokenizer.error().message);
        for (const json& expected : document["cases"]) {
            std::string text = test::text_of(expected["text"]);
            CAPTURE(text);
            auto ids = (*tokenizer)->encode(text, false, SpecialPolicy::none);
            REQUIRE(ids.ok());
            CHECK(json(*ids) == expected["plain"]);
            auto decoded = (*tokenizer)->decode(*ids, false);
            REQUIRE(decoded.ok());
            if (pre != "qwen2") CHECK(*decoded == text); // NFC changes the text
            auto framed = (*tokenizer)->encode(text, true, SpecialPolicy::none);
            REQUIRE(framed.ok());
            CHECK(framed->size() == ids->size() + named.adds_bos);
        }
    }
}

TEST_CASE("every named pattern compiles, unknown names are refused") {
    size_t known = 0;
    for (const char* name : {"default", "gpt-2", "smollm", "llama-bpe", "llama3", "llama-v3", "qwen2",
                             "qwen35", "tekken", "deepseek-r1-qwen", "deepseek-llm", "deepseek-coder",
                             "deepseek-v3", "gpt-4o", "falcon", "bloom", "dbrx"}) {
        const auto* pre = tokenization::find_gguf_pre_tokenizer(name);
        REQUIRE_MESSAGE(pre != nullptr, name);
        for (auto pattern : pre->patterns) CHECK_MESSAGE(tokenization::Regex::compile(pattern).ok(), name);
        known += pre->patterns.size();
    }
    CHECK(known > 20);
    json document = test::golden("gpt2.json");
    auto tokenizer = Tokenizer::from_gguf(metadata_of(document["tokenizer"], "no-such-words"), "a.gguf");
    REQUIRE_FALSE(tokenizer.ok());
    CHECK(tokenizer.error().status == Status::unsupported);
    CHECK(tokenizer.error().message == "a.gguf: tokenizer.ggml.pre 'no-such-words' is not supported");
}
