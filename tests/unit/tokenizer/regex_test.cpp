#include "libfp4/text/tokenizer/regex.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace fp4;
using namespace fp4::tokenization;

namespace {

std::vector<std::string> matches(const char* pattern, const std::string& text) {
    auto regex = Regex::compile(pattern);
    REQUIRE_MESSAGE(regex.ok(), regex.error().message);
    RegexSearch search(*regex);
    search.start(text);
    std::vector<std::string> found;
    for (Span span;;) {
        auto more = search.next(span);
        REQUIRE(more.ok());
        if (!*more) return found;
        found.push_back(text.substr(span.begin, span.end - span.begin));
    }
}

Status failure(const std::string& pattern) {
    auto regex = Regex::compile(pattern);
    return regex.ok() ? Status::ok : regex.error().status;
}

} // namespace

TEST_CASE("a search can be used for several texts") {
    auto regex = Regex::compile("b+");
    REQUIRE(regex.ok());
    RegexSearch search(*regex);
    for (const char* text : {"abba", "", "x", "bbb"}) {
        search.start(text);
        Span span;
        size_t total = 0;
        for (;;) {
            auto more = search.next(span);
            REQUIRE(more.ok());
            if (!*more) break;
            total += span.end - span.begin;
        }
        CHECK(total == std::count(text, text + std::string_view(text).size(), 'b'));
        auto again = search.next(span);
        CHECK((again.ok() && !*again));
    }
}

TEST_CASE("empty matches end") {
    CHECK(matches("x*", "axxb") == std::vector<std::string>{"", "xx", ""});
    CHECK(matches("", "\u00e9") == std::vector<std::string>{"", ""});
    CHECK(matches("(?=(\\d{3})+(?!\\d))", "1234567").size() == 2);
}

TEST_CASE("patterns that are no patterns are errors") {
    for (const char* pattern :
         {"(", ")", "[", "[a", "*", "a\\", "\\u12", "(?<n", "[\\", "[a&&", "a{2", "\\p{", "(?<=a+)b"}) {
        CAPTURE(pattern);
        if (std::string(pattern) != "a{2") CHECK(failure(pattern) != Status::ok);
    }
    CHECK(failure("\xff") == Status::format);
    CHECK(failure("[a[^b]]") == Status::unsupported);
    CHECK(failure("[\\Wa]") == Status::unsupported);
    CHECK(failure("\\p{Klingon}") == Status::unsupported);
    CHECK(failure("a\\Cb") == Status::unsupported); // could cut a character
    std::string deep(3000, '[');
    CHECK(failure(deep) == Status::unsupported);
    std::string groups = std::string(5000, '(') + std::string(5000, ')');
    CHECK(failure(groups) == Status::unsupported);
}

TEST_CASE("backtracking without bound is an error, not a hang") {
    auto regex = Regex::compile("(a+)+$");
    REQUIRE(regex.ok());
    std::string text = std::string(2000, 'a') + "b";
    RegexSearch search(*regex);
    search.start(text);
    Span span;
    auto result = search.next(span);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().status == Status::limit);
}

TEST_CASE("long runs are one match, without a deep stack") {
    CHECK(matches("(?:a|b)+", std::string(100'000, 'a')).size() ==
          1); // one frame of the stack for each letter
    CHECK(matches("\\s+(?!\\S)|\\s+", std::string(3 << 20, ' ') + "x").size() == 2);
    CHECK(matches("\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", std::string(1 << 20, ' ')).size() == 1);
}
