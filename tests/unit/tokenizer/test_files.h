// Files that the tokenizer tests read: golden files of the repository, and larger data that may be absent.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/tokenizer/test_paths.h"

namespace fp4::test {

// tests/golden/tokenizer/NAME, which must be there.
nlohmann::json golden(const std::string& name);

// data_path of a file; nothing, and a line that says so, when it is absent.
std::optional<std::string> data_file(const std::string& path);

std::string text_of(const nlohmann::json& value);

} // namespace fp4::test
