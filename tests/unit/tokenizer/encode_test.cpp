// What holds for every text: round trips, any bytes, long texts, policies, many threads.
#include <doctest/doctest.h>

#include <atomic>
#include <ctime>
#include <random>
#include <thread>

#include "libfp4/text/tokenizer/text_replace.h"
#include "libfp4/text/tokenizer/tokenizer.h"
#include "libfp4/text/tokenizer/utf8.h"
#include "tests/unit/tokenizer/test_files.h"

using namespace fp4;
using nlohmann::json;

namespace {

std::shared_ptr<const Tokenizer> load(const std::string& name, const std::string& config = "") {
    auto tokenizer = Tokenizer::from_json(test::golden(name)["tokenizer"].dump(), config, name);
    REQUIRE_MESSAGE(tokenizer.ok(), tokenizer.error().message);
    return *tokenizer;
}

std::vector<int32_t> encode(const Tokenizer& tokenizer, std::string_view text,
                            SpecialPolicy policy = SpecialPolicy::none) {
    auto ids = tokenizer.encode(text, false, policy);
    REQUIRE_MESSAGE(ids.ok(), ids.error().message);
    return std::move(*ids);
}

std::string decode(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
    auto text = tokenizer.decode(ids, true);
    REQUIRE(text.ok());
    return std::move(*text);
}

// Bytes of all kinds: random, mostly ASCII, cut UTF-8, runs.
std::string random_text(std::mt19937& random) {
    static const std::string parts[] = {
        "the ", " and", "\u00e9",        "\U0001F600",         "  ",     "\n",     "12",     "\xE2\x82",
        "\xFF", "'s",   "<|endoftext|>", std::string(1, '\0'), "\u0301", "\u2581", "\u3000", "word"};
    std::string text;
    for (size_t i = random() % 60; i > 0; --i) {
        switch (random() % 4) {
            case 0:
                text += static_cast<char>(random());
                break;
            case 1:
                text.append(random() % 5, static_cast<char>(random() % 128));
                break;
            default:
                text += parts[random() % std::size(parts)];
        }
    }
    return text;
}

} // namespace

TEST_CASE("byte-level tokenizers give back any bytes") {
    std::mt19937 random(7);
    for (const char* name : {"gpt2.json", "smollm2.json", "llama3.json", "deepseek-v3.json"}) {
        auto tokenizer = load(name);
        for (int round = 0; round < 3000; ++round) {
            std::string text = random_text(random);
            auto policy = round % 2 == 0 ? SpecialPolicy::none : SpecialPolicy::parse;
            if (decode(*tokenizer, encode(*tokenizer, text, policy)) != text)
                FAIL(name, " loses ", json(text).dump(-1, ' ', true, json::error_handler_t::replace));
        }
    }
}

TEST_CASE("tokenizers with byte fallback give back any UTF-8, and U+FFFD for other bytes") {
    std::mt19937 random(8);
    for (const char* name : {"llama2.json", "llama2-metaspace.json", "gemma.json"}) {
        auto tokenizer = load(name);
        for (int round = 0; round < 2000; ++round) {
            std::string text = random_text(random);
            std::string wanted = tokenization::replace_invalid_utf8(text);
            tokenization::replace_all(wanted, "\u2581", " "); // which is their space
            std::string decoded = decode(*tokenizer, encode(*tokenizer, text));
            if (decoded != wanted && decoded != wanted.substr(wanted.starts_with(' ') ? 1 : 0))
                FAIL(name, ": ", decoded, " for ", wanted);
        }
    }
}

TEST_CASE("no random bytes crash any tokenizer, and streams agree with decode") {
    std::mt19937 random(9);
    for (const char* name : {"gpt2-prefix-space.json", "qwen2.json", "metaspace-unknown.json",
                             "added-tokens.json", "gemma.json"}) {
        auto tokenizer = load(name);
        for (int round = 0; round < 1000; ++round) {
            auto ids = encode(*tokenizer, random_text(random), SpecialPolicy::parse);
            TokenStream stream(*tokenizer, true, true);
            std::string streamed;
            for (int32_t id : ids) streamed += stream.push(id);
            CHECK(streamed == decode(*tokenizer, ids));
        }
    }
}

TEST_CASE("a stream inside a text keeps the leading space") {
    auto tokenizer = load("llama2.json");
    auto ids = encode(*tokenizer, "the");
    std::string start, inside;
    TokenStream at_start(*tokenizer, true, false), continued(*tokenizer, false, false);
    for (int32_t id : ids) {
        start += at_start.push(id);
        inside += continued.push(id);
    }
    CHECK(start == "the");
    CHECK(inside == " the");
    CHECK(at_start.push(-1).empty());
    CHECK(at_start.push(1 << 30).empty());
}

TEST_CASE("special tokens count as text or as tokens, by policy") {
    auto tokenizer = load("smollm2.json");
    int32_t end = tokenizer->id_of("<|im_end|>").value();
    std::string text = "a<|im_end|>";
    auto plain = encode(*tokenizer, text);
    CHECK(std::count(plain.begin(), plain.end(), end) == 0);
    CHECK(decode(*tokenizer, plain) == text);
    auto parsed = encode(*tokenizer, text, SpecialPolicy::parse);
    CHECK(parsed == std::vector<int32_t>{tokenizer->id_of("a").value(), end});
    CHECK(tokenizer->decode(parsed, false).value() == "a");
    CHECK(tokenizer->token_bytes(end) == "<|im_end|>");
    CHECK(tokenizer->is_special(end));
    CHECK_FALSE(tokenizer->is_special(parsed[0]));
    CHECK_FALSE(tokenizer->is_special(-1));
}

TEST_CASE("roles of tokens come from the files") {
    auto plain = load("smollm2.json");
    CHECK(plain->eos() == plain->id_of("<|endoftext|>"));
    CHECK(plain->eot() == plain->id_of("<|im_end|>"));
    CHECK_FALSE(plain->bos().has_value());

    auto configured =
        load("smollm2.json", R"({"bos_token":"<|im_start|>","eos_token":{"content":"<|im_end|>"},
                                               "add_bos_token":true,"add_eos_token":true})");
    CHECK(configured->bos() == configured->id_of("<|im_start|>"));
    CHECK(configured->eos() == configured->id_of("<|im_end|>"));
    CHECK(configured->end_of_generation().size() == 2);
    auto framed = configured->encode("", true, SpecialPolicy::none);
    CHECK(framed.value() == std::vector<int32_t>{*configured->bos(), *configured->eos()});

    // tokenizer.json has a post-processor here: the configuration does not add to it.
    auto stated = load("llama3.json",
                       R"({"bos_token":"<|begin_of_text|>","eos_token":"<|eot_id|>","add_eos_token":true})");
    CHECK(stated->encode("", true, SpecialPolicy::none).value() == std::vector<int32_t>{*stated->bos()});
    CHECK(stated->is_end_of_generation(stated->id_of("<|end_of_text|>").value()));
    CHECK(stated->is_end_of_generation(*stated->eos()));
    CHECK_FALSE(stated->is_end_of_generation(*stated->bos()));
}

TEST_CASE("ids that are no tokens are errors") {
    auto tokenizer = load("gpt2.json");
    for (int32_t id : {-1, INT32_MIN, INT32_MAX, static_cast<int32_t>(tokenizer->vocab_size())}) {
        CHECK(tokenizer->decode(std::vector<int32_t>{id}, true).error().status == Status::argument);
        CHECK(tokenizer->token_bytes(id).empty());
        CHECK_FALSE(tokenizer->contains(id));
        CHECK_FALSE(tokenizer->is_end_of_generation(id));
    }
}

// One token in many copies: the cases where careless merging or matching takes quadratic time.
void check_repeated(const char* name, size_t bytes, std::initializer_list<const char*> units) {
    auto tokenizer = load(name);
    for (const char* unit : units) {
        CAPTURE(name);
        CAPTURE(unit);
        std::string text;
        while (text.size() < bytes) text += unit;
        auto start = std::clock();
        CHECK_FALSE(encode(*tokenizer, text, SpecialPolicy::parse).empty());
        // Generous, for sanitizers; quadratic time would be hours.
        CHECK(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC < 100);
    }
}

TEST_CASE("ten megabytes of one character take time in proportion") {
    check_repeated("gpt2.json", 10 << 20, {"a", "ab", " ", "\xFF"});
    check_repeated("gemma.json", 10 << 20, {"a", "ab", " ", "\xFF"});
    for (const char* name :
         {"llama3.json", "qwen2.json", "deepseek-v3.json", "llama2.json", "added-tokens.json"}) {
        check_repeated(name, 1 << 20,
                       {"a", " ", "\n", "7", "\u00e9", "ab", "\xFF", "<", "e\u0301", "<|endof", "\u2581",
                        "\u0301\u0323"});
    }
}

TEST_CASE("one tokenizer serves many threads") {
    for (const char* name : {"qwen2.json", "gemma.json"}) {
        json file = test::golden(name);
        auto tokenizer = load(name);
        std::atomic<int> wrong = 0;
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                for (int round = 0; round < 10; ++round) {
                    for (const json& expected : file["cases"]) {
                        auto ids = tokenizer->encode(expected["text"].get_ref<const std::string&>(), true,
                                                     SpecialPolicy::parse);
                        if (!ids.ok() || json(*ids) != expected["parsed"]) ++wrong;
                    }
                }
            });
        }
        for (auto& thread : threads) thread.join();
        CHECK(wrong == 0);
    }
}
