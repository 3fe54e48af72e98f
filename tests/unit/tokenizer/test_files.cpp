#include "tests/unit/tokenizer/test_files.h"

#include <doctest/doctest.h>

#include <fstream>

namespace fp4::test {

nlohmann::json golden(const std::string& name) {
    auto text = read_file(source_root() + "/tests/golden/tokenizer/" + name);
    REQUIRE_MESSAGE(text.has_value(), "golden file ", name);
    auto document = nlohmann::json::parse(*text, nullptr, false);
    REQUIRE_FALSE(document.is_discarded());
    return document;
}

std::optional<std::string> data_file(const std::string& path) {
    std::string full = data_path(path);
    if (std::ifstream(full).good()) return full;
    MESSAGE("skipped: no ", path);
    return std::nullopt;
}

std::string text_of(const nlohmann::json& value) {
    return value.get<std::string>();
}

} // namespace fp4::test
