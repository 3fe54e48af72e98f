#include "tests/unit/tokenizer/test_files.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace fp4::test {

namespace {

std::string source_root() {
    const char* root = std::getenv("FP4_SOURCE_ROOT");
    return root != nullptr ? root : ".";
}

} // namespace

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

nlohmann::json golden(const std::string& name) {
    auto text = read_file(source_root() + "/tests/golden/tokenizer/" + name);
    REQUIRE_MESSAGE(text.has_value(), "golden file ", name);
    auto document = nlohmann::json::parse(*text, nullptr, false);
    REQUIRE(document.is_object());
    return document;
}

std::optional<std::string> data_file(const std::string& path) {
    const char* folder = std::getenv("FP4_TEST_DATA");
    std::string full = (folder != nullptr ? std::string(folder) : source_root() + "/../shared/data") + "/" + path;
    if (std::ifstream(full).good()) return full;
    MESSAGE("skipped: no ", path);
    return std::nullopt;
}

std::string text_of(const nlohmann::json& value) {
    return value.get<std::string>();
}

} // namespace fp4::test
