#include "libfp4/io/json_document.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace fp4;

TEST_CASE("values keep their types and places") {
    auto parsed =
        parse_json(R"( {"a":[1,-2,2.5,"x",null,true,{"b":[]}],"c":{"d":{}},"e":18446744073709551615} )", "t");
    REQUIRE(parsed.ok());
    CHECK(*parsed == nlohmann::json::parse(
                         R"({"a":[1,-2,2.5,"x",null,true,{"b":[]}],"c":{"d":{}},"e":18446744073709551615})"));
    CHECK((*parsed)["e"].is_number_unsigned());
    CHECK(*parse_json("7", "t") == 7);
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
    CHECK(parse_json("{\"a\":1,\"a\":1}", "t").error().message.find("'a' appears twice") !=
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
