#include "libfp4/io/json_document.h"

#include <doctest/doctest.h>

#include "tests/unit/io/test_files.h"

using namespace fp4;
using namespace fp4::test;

TEST_CASE("values keep their types and places") {
    auto parsed = parse_json(
        R"( {"a":[1,-2,2.5,"x",null,true,{"b":[]},[[3]]],"c":{"d":{}},"e":18446744073709551615,"f":7} )",
        "t");
    REQUIRE(parsed.ok());
    const JsonValue& root = *parsed;
    REQUIRE(root.object());
    CHECK(root.object()->size() == 4);
    const JsonValue::Array& a = *root.find("a")->array();
    REQUIRE(a.size() == 8);
    CHECK(a[0].unsigned_integer() == 1u);
    CHECK(a[0].integer() == 1);
    CHECK(a[0].number() == 1.0);
    CHECK(!a[0].boolean());
    CHECK(a[1].integer() == -2);
    CHECK(!a[1].unsigned_integer());
    CHECK(a[1].number() == -2.0);
    CHECK(a[2].number() == 2.5);
    CHECK(!a[2].integer());
    CHECK(*a[3].string() == "x");
    CHECK(!a[3].number());
    CHECK(a[4].is_null());
    CHECK(a[5].boolean() == true);
    CHECK(a[6].find("b")->array()->empty());
    CHECK(a[7].array()->at(0).array()->at(0).unsigned_integer() == 3u);
    CHECK(root.find("c")->find("d")->object()->empty());
    CHECK(root.find("e")->unsigned_integer() == UINT64_MAX);
    CHECK(!root.find("e")->integer());
    CHECK(root.find("f")->unsigned_integer() == 7u);
    CHECK(!root.find("g"));
    CHECK(!a[0].find("g"));
    CHECK(take(parse_json("7", "t")).integer() == 7);
}

TEST_CASE("what two readers could understand differently is refused") {
    for (const char* text :
         {"", "{", "{}x", "{\"a\":1,\"a\":1}", "{\"b\":{\"a\":1,\"x\":{},\"a\":1}}", "[1,]", "nul",
          "{\"a\" 1}", "\"\xff\"", "\"\xed\xa0\x80\"", "[1e999]", "{1:2}", "[\"a\nb\"]", "//x\n1"}) {
        auto parsed = parse_json(text, "name.json");
        REQUIRE_MESSAGE(!parsed.ok(), text);
        CHECK(parsed.error().status == Status::format);
        CHECK(parsed.error().message.find("name.json") == 0);
    }
    CHECK(parse_json("{\"a\":1,\"a\":1}", "t").error().message.find("the key 'a' twice") !=
          std::string::npos);
}

TEST_CASE("depth and number of values are bounded") {
    std::string deep = std::string(64, '[') + std::string(64, ']');
    CHECK(parse_json(deep, "t").ok());
    for (size_t levels : {65u, 100000u}) {
        auto parsed = parse_json(std::string(levels, '['), "t");
        REQUIRE(!parsed.ok());
        CHECK(parsed.error().status == Status::limit);
    }
    CHECK(parse_json("[1,2,3]", "t", {.max_depth = 1, .max_values = 4}).ok());
    CHECK(parse_json("[1,2,3,4]", "t", {.max_depth = 1, .max_values = 4}).error().status == Status::limit);
}
