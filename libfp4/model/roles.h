// Every tensor a transformer of ours can have: its name in each file family and its shape.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libfp4/model/config.h"

namespace fp4 {

enum class Role : uint8_t {
    embedding,
    final_norm,
    head,
    rope_factors,
    attention_norm,
    q,
    k,
    v,
    o,
    q_bias,
    k_bias,
    v_bias,
    o_bias,
    q_norm,
    k_norm,
    attention_post_norm,
    ffn_norm,
    gate,
    up,
    down,
    gate_bias,
    up_bias,
    down_bias,
    ffn_post_norm,
};
inline constexpr int role_count = static_cast<int>(Role::ffn_post_norm) + 1;
constexpr bool is_layer_role(Role role) {
    return role >= Role::attention_norm;
}
// The seven matrices of a layer that quantization is about.
bool is_layer_linear(Role role);
bool is_matrix(Role role); // these, embedding and head
bool is_norm(Role role);

struct TensorSlot {
    Role role;
    uint32_t layer; // 0 for roles outside layers
    uint64_t rows;  // 1 for vectors
    uint64_t cols;
    bool required;
};

// All slots of a model, in file order: embedding, layers, final norm, head.
std::vector<TensorSlot> tensor_slots(const ModelConfig& config);

// Hugging Face name, which is also the name in .fp4 files: "model.layers.3.self_attn.q_proj.weight".
std::string canonical_name(const ModelConfig& config, Role role, uint32_t layer);
std::string gguf_name(Role role, uint32_t layer);

} // namespace fp4
