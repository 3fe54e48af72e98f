// Tokenizer files that lie, are damaged, or ask for what is not there: always an error that names the place.
#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <random>

#include "libfp4/io/gguf_metadata.h"
#include "libfp4/text/tokenizer/tokenizer.h"
#include "tests/unit/tokenizer/test_files.h"

using namespace fp4;
using nlohmann::json;

namespace {

Error json_failure(const json& document, const std::string& config = "") {
    auto tokenizer = Tokenizer::from_json(document.dump(), config, "t.json");
    if (tokenizer.ok()) return {Status::ok, ""};
    CHECK(tokenizer.error().message.starts_with("t.json: "));
    return tokenizer.error();
}

bool names(const Error& failure, Status status, const char* part) {
    CAPTURE(failure.message);
    CHECK(failure.status == status);
    CHECK(failure.message.find(part) != std::string::npos);
    return failure.status == status;
}

json small_json() {
    return json::parse(
        R"({"added_tokens":[{"id":3,"content":"<e>","special":true}],"normalizer":null,"pre_tokenizer":null,
        "decoder":null,"post_processor":null,
        "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]}})");
}

GgufMetadata small_gguf(const std::string& model) {
    GgufMetadata metadata;
    metadata.set("tokenizer.ggml.model", model);
    metadata.set("tokenizer.ggml.pre", std::string("gpt-2"));
    metadata.set("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "ab", "<e>", "<0x41>"});
    metadata.set("tokenizer.ggml.token_type", std::vector<int64_t>{1, 1, 1, 3, 6});
    metadata.set("tokenizer.ggml.scores", std::vector<double>{0, -1, -2, 0, 0});
    metadata.set("tokenizer.ggml.merges", std::vector<std::string>{"a b"});
    metadata.set("tokenizer.ggml.eos_token_id", uint64_t{3});
    return metadata;
}

Error gguf_failure(const GgufMetadata& metadata) {
    auto tokenizer = Tokenizer::from_gguf(metadata, "t.gguf");
    if (tokenizer.ok()) return {Status::ok, ""};
    CHECK(tokenizer.error().message.starts_with("t.gguf: "));
    return tokenizer.error();
}

} // namespace

TEST_CASE("the small files are good") {
    CHECK(json_failure(small_json()).status == Status::ok);
    CHECK(gguf_failure(small_gguf("gpt2")).status == Status::ok);
    CHECK(gguf_failure(small_gguf("llama")).status == Status::ok);
}

TEST_CASE("components that are not known are named") {
    auto with = [](const char* pointer, const char* value) {
        json document = small_json();
        document[json::json_pointer(pointer)] = json::parse(value);
        return json_failure(document);
    };
    auto unsupported = Status::unsupported;
    names(with("/model/type", R"("Unigram")"), unsupported, "Unigram");
    names(with("/normalizer", R"({"type":"Precompiled","precompiled_charsmap":"AA"})"), unsupported,
          "Precompiled");
    names(with("/normalizer", R"({"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Nmt"}]})"),
          unsupported, "Nmt");
    names(with("/pre_tokenizer", R"({"type":"UnicodeScripts"})"), unsupported, "UnicodeScripts");
    names(with("/pre_tokenizer",
               R"({"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"Digits"}]})"),
          unsupported, "Digits");
    names(with("/decoder", R"({"type":"CTC"})"), unsupported, "CTC");
    names(with("/decoder", R"({"type":"ByteLevel"})"), unsupported, "ByteLevel");
    names(with("/post_processor", R"({"type":"Odd"})"), unsupported, "Odd");
    names(with("/model/continuing_subword_prefix", R"("##")"), unsupported, "continuing_subword_prefix");
    names(with("/model/end_of_word_suffix", R"("</w>")"), unsupported, "end_of_word_suffix");
    names(with("/model/dropout", "0.1"), unsupported, "dropout");
    names(with("/pre_tokenizer", R"({"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated"})"),
          unsupported, "'('");
    names(with("/pre_tokenizer", R"({"type":"Split","pattern":{"Regex":"a"},"behavior":"Eaten"})"),
          unsupported, "Eaten");
}

TEST_CASE("values of the wrong kind or size are named") {
    auto with = [](const char* pointer, const char* value) {
        json document = small_json();
        document[json::json_pointer(pointer)] = json::parse(value);
        return json_failure(document);
    };
    for (const char* id : {"-1", "1.5", "\"1\"", "null", "18446744073709551615", "9223372036854775808"}) {
        names(with("/model/vocab/a", id), Status::format, "vocab");
        names(with("/added_tokens/0/id", id), Status::format, "added_tokens[0].id");
    }
    names(with("/model/vocab/a", "4194304"), Status::limit, "4194304");
    names(with("/model/vocab/a", "1"), Status::format, "token id 1");
    names(with("/added_tokens/0/id", "4194304"), Status::limit, "4194304");
    names(with("/added_tokens/0/id", "0"), Status::format, "<e>");
    names(with("/added_tokens", "{}"), Status::format, "added_tokens");
    names(with("/added_tokens/0", "7"), Status::format, "added_tokens[0]");
    names(with("/model", "[]"), Status::format, "model");
    names(with("/model/vocab", "[]"), Status::format, "vocab");
    names(with("/model/merges", "null"), Status::format, "merges");
    for (const char* merge : {"7", "[]", "[\"a\"]", "[\"a\",1]", "\"ab\"", "\"a b b\"", "[\"a\",\"x\"]",
                              "[\"b\",\"a\"]", "\"a  b\""}) {
        names(with("/model/merges/0", merge), Status::format, "merges[0]");
    }
    names(with("/model/byte_fallback", "1"), Status::format, "byte_fallback");
    names(with("/normalizer", "7"), Status::format, "normalizer");
    names(with("/normalizer", R"({"type":"Replace","pattern":7,"content":""})"), Status::format, "Replace");
    names(with("/decoder", R"({"type":"Strip","content":" ","start":-1,"stop":0})"), Status::format, "start");
    names(
        with("/normalizer", ("{\"type\":\"Prepend\",\"prepend\":\"" + std::string(65, 'x') + "\"}").c_str()),
        Status::limit, "prepend");
    const char* frame =
        R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<e>"}},{"Sequence":{"id":"A"}}],
                            "special_tokens":{"<e>":{"id":"<e>","ids":[%]}}})";
    for (const char* id : {"-1", "4194304", "\"3\"", "17"}) {
        std::string text = frame;
        text.replace(text.find('%'), 1, id);
        names(with("/post_processor", text.c_str()), Status::format, "post_processor");
    }
    names(with("/post_processor", R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}}]})"),
          Status::format, "'x'");
    names(json_failure(small_json(), "{"), Status::format, "tokenizer_config");
    names(json_failure(small_json(), R"({"bos_token":7})"), Status::format, "bos_token");
}

TEST_CASE("deep nesting is refused") {
    json deep = json::parse(R"({"type":"NFC"})");
    for (int i = 0; i < 30; ++i) deep = {{"type", "Sequence"}, {"normalizers", json::array({deep})}};
    json document = small_json();
    document["normalizer"] = deep;
    CHECK(json_failure(document).status == Status::limit);
    CHECK(Tokenizer::from_json(std::string(100000, '['), "", "t").error().status != Status::ok);
}

TEST_CASE("a long added token is refused") {
    json document = small_json();
    document["added_tokens"][0]["content"] = std::string(2000, 'x');
    names(json_failure(document), Status::limit, "added token 3");
}

TEST_CASE("damaged tokenizer.json files give an error or a tokenizer, never a crash") {
    std::mt19937 random(11);
    for (const char* name : {"llama2.json", "added-tokens.json", "llama3.json"}) {
        std::string good = test::golden(name)["tokenizer"].dump();
        for (int round = 0; round < 150; ++round) {
            std::string bad = good;
            if (round % 3 == 0) bad.resize(random() % bad.size());
            for (size_t i = random() % 4; i > 0 && !bad.empty(); --i) {
                // Digits and punctuation change values and structure without leaving JSON most of the time.
                bad[random() % bad.size()] = "0123456789-\"{}[],:\\x"[random() % 20];
            }
            auto tokenizer = Tokenizer::from_json(bad, "", name);
            if (!tokenizer.ok()) continue;
            auto ids = (*tokenizer)->encode("Hello <s> world 12", true, SpecialPolicy::parse);
            if (ids.ok()) CHECK((*tokenizer)->decode(*ids, true).ok());
        }
    }
}

TEST_CASE("GGUF keys of the wrong kind or size are named") {
    auto with = [](const char* model, const char* key, GgufValue value) {
        GgufMetadata metadata = small_gguf(model);
        metadata.set(std::string("tokenizer.ggml.") + key, std::move(value));
        return gguf_failure(metadata);
    };
    using Strings = std::vector<std::string>;
    using Integers = std::vector<int64_t>;
    using Numbers = std::vector<double>;
    CHECK(gguf_failure(GgufMetadata()).status == Status::format);
    names(with("gpt2", "model", std::string("t5")), Status::unsupported, "'t5'");
    names(with("gpt2", "model", uint64_t{1}), Status::format, "model");
    names(with("gpt2", "tokens", Strings{}), Status::format, "tokens");
    names(with("gpt2", "tokens", uint64_t{7}), Status::format, "tokens");
    names(with("gpt2", "tokens", Strings{"a"}), Status::format, "token_type");
    names(with("gpt2", "token_type", Integers{1}), Status::format, "token_type");
    names(with("gpt2", "token_type", Strings{"x"}), Status::format, "token_type");
    names(with("gpt2", "eos_token_id", uint64_t{5}), Status::format, "eos_token_id");
    names(with("gpt2", "eos_token_id", uint64_t{1} << 63), Status::format, "eos_token_id");
    CHECK(with("gpt2", "eos_token_id", uint64_t{UINT32_MAX}).status == Status::ok);
    CHECK(with("gpt2", "token_type", Integers{1, -5, 1000, INT64_MIN, INT64_MAX}).status == Status::ok);
    for (const char* merge : {"", " ", "ab", "a b c", "a x", "a ", " b", "\xFF b"}) {
        names(with("gpt2", "merges", Strings{merge}), Status::format, "merges[0]");
    }
    names(with("gpt2", "merges", uint64_t{1}), Status::format, "merges");
    names(with("llama", "scores", Numbers{1}), Status::format, "scores");
    names(with("llama", "scores", Numbers{0, 0, std::numeric_limits<double>::quiet_NaN(), 0, 0}),
          Status::format, "scores");
    CHECK(with("llama", "scores", Numbers{0, 0, std::numeric_limits<double>::infinity(), -1e300, 0}).status ==
          Status::ok);
    names(with("llama", "precompiled_charsmap", std::vector<uint8_t>{1}), Status::unsupported,
          "precompiled_charsmap");
}

TEST_CASE("odd token texts do no harm") {
    GgufMetadata metadata = small_gguf("llama");
    metadata.set("tokenizer.ggml.tokens", std::vector<std::string>{"a", "a", "", "<0x-1>", "\xFF\xFE",
                                                                   "<0x99999>", std::string(1, '\0')});
    metadata.set("tokenizer.ggml.token_type", std::vector<int64_t>{1, 1, 4, 6, 1, 6, 3});
    metadata.set("tokenizer.ggml.scores", std::vector<double>(7, 0.0));
    auto tokenizer = Tokenizer::from_gguf(metadata, "t");
    REQUIRE_MESSAGE(tokenizer.ok(), tokenizer.error().message);
    auto ids = (*tokenizer)->encode(std::string("aa\0<0x-1>\xFF", 10), true, SpecialPolicy::parse);
    REQUIRE(ids.ok());
    CHECK((*tokenizer)->decode(*ids, true).ok());
}

TEST_CASE("pieces too long to take apart are refused") {
    GgufMetadata metadata = small_gguf("llama");
    std::vector<std::string> tokens;
    for (int i = 0; i < 2000; ++i) tokens.push_back(std::string(60000, 'a') + std::to_string(i));
    metadata.set("tokenizer.ggml.scores", std::vector<double>(tokens.size(), 0.0));
    metadata.set("tokenizer.ggml.token_type", std::vector<int64_t>(tokens.size(), 1));
    metadata.set("tokenizer.ggml.tokens", std::move(tokens));
    names(gguf_failure(metadata), Status::limit, "scores");
}
