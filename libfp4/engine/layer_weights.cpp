#include "libfp4/engine/layer_weights.h"

namespace fp4 {

std::unique_ptr<Weight>* layer_place(LayerWeights& layer, Role role) {
    switch (role) {
        case Role::attention_norm:
            return &layer.attention_norm;
        case Role::q:
            return &layer.q.weight;
        case Role::k:
            return &layer.k.weight;
        case Role::v:
            return &layer.v.weight;
        case Role::o:
            return &layer.o.weight;
        case Role::q_bias:
            return &layer.q.bias;
        case Role::k_bias:
            return &layer.k.bias;
        case Role::v_bias:
            return &layer.v.bias;
        case Role::o_bias:
            return &layer.o.bias;
        case Role::q_norm:
            return &layer.q_norm;
        case Role::k_norm:
            return &layer.k_norm;
        case Role::attention_post_norm:
            return &layer.attention_post_norm;
        case Role::ffn_norm:
            return &layer.ffn_norm;
        case Role::gate:
            return &layer.gate.weight;
        case Role::up:
            return &layer.up.weight;
        case Role::down:
            return &layer.down.weight;
        case Role::gate_bias:
            return &layer.gate.bias;
        case Role::up_bias:
            return &layer.up.bias;
        case Role::down_bias:
            return &layer.down.bias;
        case Role::ffn_post_norm:
            return &layer.ffn_post_norm;
        default:
            return nullptr;
    }
}

} // namespace fp4
