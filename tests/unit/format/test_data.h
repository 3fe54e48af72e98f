// Reading of the external reference vectors (folder FP4_TEST_DATA, else ../shared/data beside the source
// root).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fp4::test {

// Contents of a file below the data folder; nullopt when it is absent.
std::optional<std::string> read_data_file(const std::string& name);

struct Tensor {
    std::string dtype;
    std::vector<size_t> shape;
    std::string bytes;

    std::vector<float> floats() const;
    std::vector<uint8_t> codes() const;
};

// A small trusting safetensors reader for these files only. Empty when the file is absent.
std::map<std::string, Tensor> read_vectors(const std::string& name);

} // namespace fp4::test
