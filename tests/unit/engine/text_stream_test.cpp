#include "libfp4/engine/text_stream.h"

#include <doctest/doctest.h>

#include <random>

using namespace fp4;

namespace {

struct Matched {
    std::string text;
    bool stopped;
};

Matched run(std::vector<std::string> stops, const std::vector<std::string>& pieces) {
    StopMatcher matcher(std::move(stops));
    Matched result{"", false};
    for (const std::string& piece : pieces) {
        result.stopped = matcher.push(piece, result.text);
        if (result.stopped) return result;
    }
    matcher.finish(result.text);
    return result;
}

std::string through_utf8(const std::vector<std::string>& pieces) {
    Utf8Stream stream;
    std::string out;
    for (const std::string& piece : pieces) stream.push(piece, out);
    stream.finish(out);
    return out;
}

} // namespace

TEST_CASE("a stop string is found across pieces and nothing of it leaks") {
    for (auto pieces : {std::vector<std::string>{"one STOP two"},
                        {"one S", "TO", "P two"},
                        {"o", "n", "e", " ", "S", "T", "O", "P"}}) {
        Matched result = run({"STOP"}, pieces);
        CHECK(result.stopped);
        CHECK(result.text == "one ");
    }
}

TEST_CASE("text that only begins like a stop string comes through whole") {
    CHECK(run({"STOP"}, {"a ST", "ILL b STO"}).text == "a STILL b STO");
    CHECK(run({"aab"}, {"aaa", "aaab", "x"}).text == "aaaa");
    CHECK(run({}, {"any", "thing"}).text == "anything");
    CHECK(run({""}, {"empty stops are ignored"}).text == "empty stops are ignored");
}

TEST_CASE("of several stop strings the one that is complete first wins") {
    CHECK(run({"later", "\n"}, {"first\nsecond later"}).text == "first");
    CHECK(run({"ab", "abc"}, {"xa", "bc"}).text == "x");
}

TEST_CASE("random pieces give what a search of the whole text gives") {
    std::mt19937 random(7);
    for (int round = 0; round < 2000; ++round) {
        auto word = [&](size_t most) {
            std::string text(random() % most, 'a');
            for (char& c : text) c = static_cast<char>('a' + random() % 2);
            return text;
        };
        std::vector<std::string> stops{word(4) + "a", word(4) + "b"};
        std::vector<std::string> pieces;
        std::string all;
        for (int i = 0; i < 6; ++i) all += pieces.emplace_back(word(5));
        size_t first = std::string::npos, end = std::string::npos;
        for (const std::string& stop : stops) {
            size_t at = all.find(stop);
            if (at != std::string::npos &&
                (at + stop.size() < end || (at + stop.size() == end && at < first))) {
                first = at;
                end = at + stop.size();
            }
        }
        Matched result = run(stops, pieces);
        CHECK(result.stopped == (first != std::string::npos));
        CHECK(result.text == all.substr(0, first));
    }
}

TEST_CASE("code points are passed on whole, bad bytes replaced") {
    CHECK(through_utf8({"h\xC3", "\xA9!"}) == "h\xC3\xA9!");
    CHECK(through_utf8({"\xF0\x9F", "\x98", "\x80"}) == "\xF0\x9F\x98\x80");
    CHECK(through_utf8({"a\xFF"}) == "a\xEF\xBF\xBD");
    CHECK(through_utf8({"a\xE2\x82"}) == "a\xEF\xBF\xBD");
    CHECK(through_utf8({"\xC0\xAF"}) == "\xEF\xBF\xBD\xEF\xBF\xBD");                 // overlong
    CHECK(through_utf8({"\xED\xA0\x80"}) == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); // surrogate
    CHECK(through_utf8({"\xE2\x82", "A"}) ==
          "\xEF\xBF\xBD"
          "A");
    Utf8Stream stream;
    std::string out;
    stream.push("\xE2\x82", out);
    CHECK(out.empty());
    stream.push("\xAC", out);
    CHECK(out == "\xE2\x82\xAC");
}

TEST_CASE("a capacity never cuts a code point") {
    std::string text = "a\xC3\xA9\xF0\x9F\x98\x80";
    CHECK(utf8_prefix(text, 0) == 0);
    CHECK(utf8_prefix(text, 1) == 1);
    CHECK(utf8_prefix(text, 2) == 1);
    CHECK(utf8_prefix(text, 3) == 3);
    CHECK(utf8_prefix(text, 6) == 3);
    CHECK(utf8_prefix(text, 7) == 7);
    CHECK(utf8_prefix(text, 99) == 7);
}
