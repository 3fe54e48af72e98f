#include "tests/unit/tokenizer/test_paths.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace fp4::test {

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string source_root() {
    const char* root = std::getenv("FP4_SOURCE_ROOT");
    return root != nullptr ? root : ".";
}

std::string data_path(const std::string& path) {
    const char* folder = std::getenv("FP4_TEST_DATA");
    return (folder != nullptr ? std::string(folder) : source_root() + "/../shared/data") + "/" + path;
}

} // namespace fp4::test
