// Model folders written by a test: of any size, with whatever mistakes it wants in them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace fp4::test {

struct MadeTensor {
    std::string name;
    std::vector<uint64_t> shape;
    std::vector<float> values;
};

struct MadeShape {
    uint32_t vocabulary = 264; // as in tests/golden/models, whose tokenizer is used
    uint32_t hidden = 32;
    uint32_t ffn = 64;
    uint32_t layers = 1;
    uint32_t heads = 2;
    uint32_t kv_heads = 1;
    bool mlp_bias = false;
};

// A llama with a tied head and random weights of standard deviation 0.1, norms 1. Fixed seed.
std::string made_config(const MadeShape& shape);
std::vector<MadeTensor> made_tensors(const MadeShape& shape);
MadeTensor& find_tensor(std::vector<MadeTensor>& tensors, const std::string& name); // must exist

// model.safetensors (F32), config.json and the tokenizer of the tiny models. Creates the folder.
void write_model(const std::filesystem::path& folder, const std::string& config,
                 const std::vector<MadeTensor>& tensors);

void write_text(const std::filesystem::path& path, const std::string& text);
std::string read_bytes(const std::filesystem::path& path);

} // namespace fp4::test
