#include <doctest/doctest.h>

#include <random>
#include <set>
#include <string>

#include "libfp4/text/tokenizer/bpe_model.h"
#include "libfp4/text/tokenizer/byte_level.h"
#include "libfp4/text/tokenizer/unicode_class.h"
#include "libfp4/text/tokenizer/utf8.h"
#include "libfp4/text/tokenizer/vocabulary.h"
#include "tests/unit/tokenizer/byte_spelling.h"

using namespace fp4;
using namespace fp4::tokenization;

TEST_CASE("every code point survives UTF-8") {
    for (char32_t c = 0; c <= 0x10FFFF; ++c) {
        std::string text;
        append_utf8(text, c);
        Utf8Char decoded = decode_utf8(text, 0);
        bool surrogate = c >= 0xD800 && c <= 0xDFFF;
        if (decoded.valid == surrogate ||
            (!surrogate && (decoded.code_point != c || decoded.length != text.size()))) {
            FAIL("code point ", static_cast<uint32_t>(c));
        }
    }
}

TEST_CASE("bad UTF-8 is found and replaced by maximal subparts") {
    // The examples of Unicode 15, section 3.9, tables 3-8 to 3-11.
    const std::string bad = "\uFFFD";
    CHECK(replace_invalid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41") ==
          bad + bad + bad + bad + bad + bad + bad + bad + "A");
    CHECK(replace_invalid_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41") ==
          bad + bad + bad + bad + bad + bad + bad + bad + "A");
    CHECK(replace_invalid_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42") ==
          bad + bad + bad + bad + bad + "A" + bad + bad + "B");
    CHECK(replace_invalid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") == bad + bad + bad + bad + "A");
    CHECK(valid_utf8_prefix("abcdefghijk\xC3\xA9\xFF") == 13);
    CHECK(valid_utf8_prefix("") == 0);
    CHECK(valid_utf8_prefix("\xE2\x82") == 0);
}

TEST_CASE("the byte alphabet is a bijection") {
    std::set<std::string> spellings;
    for (int byte = 0; byte < 256; ++byte) {
        std::string raw(1, static_cast<char>(byte));
        std::string spelled = test::byte_level_spelling(raw);
        spellings.insert(spelled);
        CHECK(bytes_from_byte_level(spelled) == raw);
    }
    CHECK(spellings.size() == 256);
    CHECK(bytes_from_byte_level("") == "");
    CHECK_FALSE(bytes_from_byte_level("a b").has_value());
    CHECK_FALSE(bytes_from_byte_level("\u0144").has_value()); // one past the last
    CHECK_FALSE(bytes_from_byte_level("a\xFF").has_value());
}

TEST_CASE("byte tokens are spelled in one way only") {
    CHECK(byte_of_token("<0x00>") == 0);
    CHECK(byte_of_token("<0xfF>") == 255);
    for (const char* text :
         {"", "<0x-1>", "<0x1>", "<0x001>", "<0x 1>", "<0xG0>", "<0x+1>", "<0x00", "0x00>", "<0X00>"}) {
        CHECK_FALSE(byte_of_token(text).has_value());
    }
}

TEST_CASE("character classes at their edges") {
    for (char32_t c : {U' ', U'\t', U'\r', U'\u0085', U'\u00A0', U'\u3000', U'\u2028'})
        CHECK(is_whitespace(c));
    for (char32_t c : {U'\x08', U'\x0E', U'\u200B', U'\u180E', U'\uFEFF', U'a'})
        CHECK_FALSE(is_whitespace(c));
    for (char32_t c : {U'7', U'\u00BD', U'\u2167', U'\u0663'}) CHECK(is_numeric(c));
    for (char32_t c : {U'$', U'^', U'`', U'!', U'\u00BF', U'\u3002'}) CHECK(is_punctuation(c));
    for (char32_t c : {U'\u20AC', U'\u00D7', U'a', U' '}) CHECK_FALSE(is_punctuation(c));
    for (char32_t c : {U'_', U'\u0301', U'\u24B6', U'\u200D', U'\u5B57', U'9'}) CHECK(is_word(c));
    for (char32_t c : {U'-', U' ', U'\u00BD', U'\U0001F600'}) CHECK_FALSE(is_word(c));
}

TEST_CASE("a vocabulary finds its searchable tokens") {
    Vocabulary vocabulary;
    std::mt19937 random(3);
    std::vector<std::string> texts;
    for (int64_t id = 0; id < 3000; ++id) {
        std::string text = std::to_string(random()) + std::string(static_cast<size_t>(id) % 40, 'x');
        texts.push_back(text);
        REQUIRE(vocabulary.add(id * 3, text, id % 5 != 0).ok());
    }
    CHECK(vocabulary.size() == 2999 * 3 + 1);
    for (int32_t id = 0; id < 3000; ++id) {
        auto i = static_cast<size_t>(id);
        CHECK(vocabulary.text(id * 3) == texts[i]);
        CHECK(vocabulary.find(texts[i]) == (id % 5 != 0 ? std::optional(id * 3) : std::nullopt));
        CHECK_FALSE(vocabulary.contains(id * 3 + 1));
    }
    CHECK_FALSE(vocabulary.contains(-1));
    CHECK(vocabulary.text(-1).empty());
    CHECK(vocabulary.add(0, "again", true).error().status == Status::format);
    CHECK(vocabulary.add(-1, "a", true).error().status == Status::limit);
    CHECK(vocabulary.add(max_token_id + 1, "a", true).error().status == Status::limit);
    CHECK(vocabulary.add(1, std::string(max_token_bytes + 1, 'a'), true).error().status == Status::limit);
    REQUIRE(vocabulary.add(1, "", true).ok());
    CHECK(vocabulary.contains(1));
    CHECK_FALSE(vocabulary.find("").has_value());
}
