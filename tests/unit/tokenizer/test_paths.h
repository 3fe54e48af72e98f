// Where the tests of the tokenizers find files.
#pragma once

#include <optional>
#include <string>

namespace fp4::test {

std::optional<std::string> read_file(const std::string& path);
std::string source_root();

// A path below the folder FP4_TEST_DATA, else ../shared/data beside the source root; it need not be there.
std::string data_path(const std::string& path);

} // namespace fp4::test
