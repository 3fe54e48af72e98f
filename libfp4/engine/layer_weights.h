// One layer's weights on a device.
#pragma once

#include <array>
#include <memory>

#include "libfp4/engine/input_site.h"
#include "libfp4/model/roles.h"

namespace fp4 {

struct LinearWeights {
    std::unique_ptr<Weight> weight; // [rows, cols]
    std::unique_ptr<Weight> bias;   // [1, rows] f32, or null
};

struct LayerWeights {
    std::unique_ptr<Weight> attention_norm;      // [1, hidden]
    LinearWeights q, k, v;                       // [q_width | kv_width, hidden]
    std::unique_ptr<Weight> q_norm, k_norm;      // [1, head_dim], or null
    LinearWeights o;                             // [hidden, q_width]
    std::unique_ptr<Weight> attention_post_norm; // [1, hidden], or null
    std::unique_ptr<Weight> ffn_norm;            // [1, hidden]
    LinearWeights gate, up;                      // [ffn, hidden]
    LinearWeights down;                          // [hidden, ffn]
    std::unique_ptr<Weight> ffn_post_norm;       // [1, hidden], or null
    std::array<InputSite, 4> sites;              // by Site

    const InputSite& site(Site site) const { return sites[static_cast<size_t>(site)]; }
};

// Where a tensor of a layer goes; null for roles outside layers.
std::unique_ptr<Weight>* layer_place(LayerWeights& layer, Role role);

} // namespace fp4
