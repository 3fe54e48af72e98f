#include "libfp4/quant/calibration/text_lines.h"

#include <doctest/doctest.h>

using namespace fp4;

namespace {
const std::string first = "It was the best of times, it was the worst of times,";
const std::string second = "it was the age of wisdom, it was the age of foolishness,";
} // namespace

TEST_CASE("lines count once, without white space around them, and only long ones") {
    const auto lines = hash_lines(first + "\n  " + first + " \t\r\nCHAPTER I.\n\n" + second);
    CHECK(lines.size() == 2);
    CHECK(hash_lines("").empty());
    CHECK(hash_lines("short\nlines\nonly").empty());
}

TEST_CASE("common lines are found in any order") {
    const auto a = hash_lines(first + "\n" + second), b = hash_lines(second), c = hash_lines(first + "!");
    CHECK(count_common_lines(a, b) == 1);
    CHECK(count_common_lines(a, a) == 2);
    CHECK(count_common_lines(a, c) == 0);
    CHECK(count_common_lines({}, a) == 0);
}

TEST_CASE("stored lines read back; damage is noticed") {
    const auto lines = hash_lines(first + "\n" + second);
    const std::string stored = store_lines(lines);
    auto loaded = load_lines(stored, "f.fp4");
    REQUIRE(loaded.ok());
    CHECK(*loaded == lines);
    CHECK(!load_lines(stored.substr(1), "f.fp4").ok());
    CHECK(!load_lines(stored + stored, "f.fp4").ok()); // not ascending
}
