#include "libfp4/model/roles.h"

namespace fp4 {
namespace {

struct RoleName {
    Role role;
    const char* canonical; // below "model.layers.N." for layer roles
    const char* gguf;      // below "blk.N." for layer roles
};

constexpr RoleName role_names[] = {
    {Role::embedding, "model.embed_tokens.weight", "token_embd.weight"},
    {Role::final_norm, "model.norm.weight", "output_norm.weight"},
    {Role::head, "lm_head.weight", "output.weight"},
    {Role::rope_factors, "model.rope_factors", "rope_freqs.weight"},
    {Role::attention_norm, "input_layernorm.weight", "attn_norm.weight"},
    {Role::q, "self_attn.q_proj.weight", "attn_q.weight"},
    {Role::k, "self_attn.k_proj.weight", "attn_k.weight"},
    {Role::v, "self_attn.v_proj.weight", "attn_v.weight"},
    {Role::o, "self_attn.o_proj.weight", "attn_output.weight"},
    {Role::q_bias, "self_attn.q_proj.bias", "attn_q.bias"},
    {Role::k_bias, "self_attn.k_proj.bias", "attn_k.bias"},
    {Role::v_bias, "self_attn.v_proj.bias", "attn_v.bias"},
    {Role::o_bias, "self_attn.o_proj.bias", "attn_output.bias"},
    {Role::q_norm, "self_attn.q_norm.weight", "attn_q_norm.weight"},
    {Role::k_norm, "self_attn.k_norm.weight", "attn_k_norm.weight"},
    {Role::attention_post_norm, "post_attention_layernorm.weight", "post_attention_norm.weight"},
    {Role::ffn_norm, "post_attention_layernorm.weight", "ffn_norm.weight"},
    {Role::gate, "mlp.gate_proj.weight", "ffn_gate.weight"},
    {Role::up, "mlp.up_proj.weight", "ffn_up.weight"},
    {Role::down, "mlp.down_proj.weight", "ffn_down.weight"},
    {Role::gate_bias, "mlp.gate_proj.bias", "ffn_gate.bias"},
    {Role::up_bias, "mlp.up_proj.bias", "ffn_up.bias"},
    {Role::down_bias, "mlp.down_proj.bias", "ffn_down.bias"},
    {Role::ffn_post_norm, "post_feedforward_layernorm.weight", "post_ffw_norm.weight"},
};
static_assert(std::size(role_names) == role_count);

const RoleName& names_of(Role role) {
    return role_names[static_cast<int>(role)];
}

} // namespace

bool is_layer_linear(Role role) {
    return (role >= Role::q && role <= Role::o) || (role >= Role::gate && role <= Role::down);
}

bool is_matrix(Role role) {
    return is_layer_linear(role) || role == Role::embedding || role == Role::head;
}

bool is_norm(Role role) {
    return role == Role::final_norm || role == Role::attention_norm || role == Role::q_norm ||
           role == Role::k_norm || role == Role::attention_post_norm || role == Role::ffn_norm ||
           role == Role::ffn_post_norm;
}

std::vector<TensorSlot> tensor_slots(const ModelConfig& config) {
    const uint64_t hidden = config.hidden, ffn = config.ffn, q = config.q_width(), kv = config.kv_width();
    std::vector<TensorSlot> slots;
    auto add = [&](bool wanted, Role role, uint32_t layer, uint64_t rows, uint64_t cols,
                   bool required = true) {
        if (wanted) slots.push_back({role, layer, rows, cols, required});
    };
    add(true, Role::embedding, 0, config.vocabulary, hidden);
    add(true, Role::rope_factors, 0, 1, config.head_dim / 2, false);
    for (uint32_t i = 0; i < config.layers; ++i) {
        add(true, Role::attention_norm, i, 1, hidden);
        add(true, Role::q, i, q, hidden);
        add(true, Role::k, i, kv, hidden);
        add(true, Role::v, i, kv, hidden);
        add(true, Role::o, i, hidden, q);
        add(config.qkv_bias, Role::q_bias, i, 1, q);
        add(config.qkv_bias, Role::k_bias, i, 1, kv);
        add(config.qkv_bias, Role::v_bias, i, 1, kv);
        add(config.output_bias, Role::o_bias, i, 1, hidden);
        add(config.qk_norm, Role::q_norm, i, 1, config.head_dim);
        add(config.qk_norm, Role::k_norm, i, 1, config.head_dim);
        add(config.post_norms, Role::attention_post_norm, i, 1, hidden);
        add(true, Role::ffn_norm, i, 1, hidden);
        add(true, Role::gate, i, ffn, hidden);
        add(true, Role::up, i, ffn, hidden);
        add(true, Role::down, i, hidden, ffn);
        add(config.mlp_bias, Role::gate_bias, i, 1, ffn);
        add(config.mlp_bias, Role::up_bias, i, 1, ffn);
        add(config.mlp_bias, Role::down_bias, i, 1, hidden);
        add(config.post_norms, Role::ffn_post_norm, i, 1, hidden);
    }
    add(true, Role::final_norm, 0, 1, hidden);
    add(!config.tied_head, Role::head, 0, config.vocabulary, hidden);
    return slots;
}

std::string canonical_name(const ModelConfig& config, Role role, uint32_t layer) {
    const char* name = names_of(role).canonical;
    // With post norms "post_attention_layernorm" is one of them, and the norm before the feed-forward has a
    // name of its own.
    if (role == Role::ffn_norm && config.post_norms) name = "pre_feedforward_layernorm.weight";
    if (!is_layer_role(role)) return name;
    return concat("model.layers.", layer, ".", name);
}

std::string gguf_name(Role role, uint32_t layer) {
    const char* name = names_of(role).gguf;
    if (!is_layer_role(role)) return name;
    return concat("blk.", layer, ".", name);
}

} // namespace fp4
