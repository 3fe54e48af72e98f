#include "tests/unit/format/test_data.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace fp4::test {

std::optional<std::string> read_data_file(const std::string& name) {
    const char* folder = std::getenv("FP4_TEST_DATA");
    const char* root = std::getenv("FP4_SOURCE_ROOT");
    const std::string path =
        (folder ? std::string(folder) : std::string(root ? root : ".") + "/../shared/data") + "/" + name;
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

std::vector<float> Tensor::floats() const {
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
}

std::vector<uint8_t> Tensor::codes() const {
    return {bytes.begin(), bytes.end()};
}

std::map<std::string, Tensor> read_vectors(const std::string& name) {
    std::map<std::string, Tensor> tensors;
    const std::optional<std::string> file = read_data_file(name);
    if (!file || file->size() < 8) return tensors;
    uint64_t header_size = 0;
    std::memcpy(&header_size, file->data(), 8);
    const auto header = nlohmann::json::parse(file->substr(8, header_size), nullptr, false);
    for (const auto& [key, entry] : header.items()) {
        if (key == "__metadata__") continue;
        const size_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
        tensors[key] = {entry["dtype"], entry["shape"], file->substr(8 + header_size + begin, end - begin)};
    }
    return tensors;
}

} // namespace fp4::test
