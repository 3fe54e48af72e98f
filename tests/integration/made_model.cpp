#include "tests/integration/made_model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>

#include "libfp4/base/result.h"
#include "tests/integration/test_models.h"

namespace fp4::test {

void write_text(const std::filesystem::path& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    REQUIRE(file.good());
}

std::string read_bytes(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE(file.good());
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string made_config(const MadeShape& shape) {
    return concat(R"({"model_type": "llama", "vocab_size": )", shape.vocabulary, R"(, "hidden_size": )",
                  shape.hidden, R"(, "intermediate_size": )", shape.ffn, R"(, "num_hidden_layers": )",
                  shape.layers, R"(, "num_attention_heads": )", shape.heads, R"(, "num_key_value_heads": )",
                  shape.kv_heads,
                  R"(, "max_position_embeddings": 128, "tie_word_embeddings": true, "mlp_bias": )",
                  shape.mlp_bias ? "true" : "false", "}");
}

std::vector<MadeTensor> made_tensors(const MadeShape& shape) {
    std::mt19937 random(4);
    // Uniform: its standard deviation is the half width over sqrt(3).
    std::uniform_real_distribution<float> weight(-0.1732f, 0.1732f);
    std::vector<MadeTensor> tensors;
    auto matrix = [&](const std::string& name, uint64_t rows, uint64_t cols) {
        MadeTensor tensor{name, {rows, cols}, std::vector<float>(rows * cols)};
        for (float& value : tensor.values) value = weight(random);
        tensors.push_back(std::move(tensor));
    };
    auto vector = [&](const std::string& name, uint64_t size, float value) {
        tensors.push_back({name, {size}, std::vector<float>(size, value)});
    };
    const uint64_t kv = shape.hidden / shape.heads * shape.kv_heads;
    matrix("model.embed_tokens.weight", shape.vocabulary, shape.hidden);
    for (uint32_t layer = 0; layer < shape.layers; ++layer) {
        const std::string prefix = concat("model.layers.", layer, ".");
        vector(prefix + "input_layernorm.weight", shape.hidden, 1);
        matrix(prefix + "self_attn.q_proj.weight", shape.hidden, shape.hidden);
        matrix(prefix + "self_attn.k_proj.weight", kv, shape.hidden);
        matrix(prefix + "self_attn.v_proj.weight", kv, shape.hidden);
        matrix(prefix + "self_attn.o_proj.weight", shape.hidden, shape.hidden);
        vector(prefix + "post_attention_layernorm.weight", shape.hidden, 1);
        matrix(prefix + "mlp.gate_proj.weight", shape.ffn, shape.hidden);
        matrix(prefix + "mlp.up_proj.weight", shape.ffn, shape.hidden);
        matrix(prefix + "mlp.down_proj.weight", shape.hidden, shape.ffn);
        if (!shape.mlp_bias) continue;
        vector(prefix + "mlp.gate_proj.bias", shape.ffn, 0);
        vector(prefix + "mlp.up_proj.bias", shape.ffn, 0);
        vector(prefix + "mlp.down_proj.bias", shape.hidden, 0);
    }
    vector("model.norm.weight", shape.hidden, 1);
    return tensors;
}

MadeTensor& find_tensor(std::vector<MadeTensor>& tensors, const std::string& name) {
    auto found = std::ranges::find(tensors, name, &MadeTensor::name);
    REQUIRE(found != tensors.end());
    return *found;
}

void write_model(const std::filesystem::path& folder, const std::string& config,
                 const std::vector<MadeTensor>& tensors) {
    std::filesystem::create_directories(folder);
    std::string header = "{";
    uint64_t offset = 0;
    for (const MadeTensor& tensor : tensors) {
        const uint64_t bytes = 4 * tensor.values.size();
        std::string dims;
        for (uint64_t dim : tensor.shape) dims += concat(dims.empty() ? "" : ",", dim);
        header += concat(offset > 0 ? "," : "", '"', tensor.name, R"(":{"dtype":"F32","shape":[)", dims,
                         R"(],"data_offsets":[)", offset, ",", offset + bytes, "]}");
        offset += bytes;
    }
    header += "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    const uint64_t header_bytes = header.size();
    std::ofstream file(folder / "model.safetensors", std::ios::binary);
    file.write(reinterpret_cast<const char*>(&header_bytes), 8);
    file.write(header.data(), static_cast<std::streamsize>(header.size()));
    for (const MadeTensor& tensor : tensors) {
        file.write(reinterpret_cast<const char*>(tensor.values.data()),
                   static_cast<std::streamsize>(4 * tensor.values.size()));
    }
    REQUIRE(file.good());
    write_text(folder / "config.json", config);
    for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
        write_text(folder / name, read_bytes(golden_models() / "llama" / name));
    }
}

} // namespace fp4::test
