// Files that the tokenizer tests read: golden files of the repository, and larger data that may be absent.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace fp4::test {

std::optional<std::string> read_file(const std::string& path);

// tests/golden/tokenizer/NAME, which must be there.
nlohmann::json golden(const std::string& name);

// A path below the folder FP4_TEST_DATA, else ../shared/data beside the source root. Nothing, and a line that says so,
// when the file is absent.
std::optional<std::string> data_file(const std::string& path);

std::string text_of(const nlohmann::json& value);

} // namespace fp4::test
