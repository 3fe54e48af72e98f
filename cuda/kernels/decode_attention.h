// One token's attention in one kernel: norm and rope of the query heads and of the new key, that key and
// value into the cache, attention over parts of the key range, and their combination, transformed and rounded
// for the output linear.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/device/activation_view.h"
#include "cuda/device/attention_parts.h"
#include "cuda/kernels/rope.h"

namespace fp4::cuda {

struct DecodeAttentionView {
    RopeView rope;            // n and heads as attention uses them
    const float* q = nullptr; // [heads * head_dim]
    const float* k = nullptr; // [kv_heads * head_dim]; null: q is rotated and the cache complete already
    const float* v = nullptr;
    KvView kv;
    float scale = 1.0f;
    uint32_t window = 0; // 0: all
    uint32_t parts = 1;  // blocks that share the key range
    // parts > 1
    float* sums = nullptr;        // [heads, parts, head_dim]
    float2* states = nullptr;     // [heads, parts]
    uint32_t* counters = nullptr; // decode_attention_counters(), zero; zero again afterwards
};

// Whether the kernel can do it: a block's heads are whole runs of 128 columns, and rounding needs no second
// pass.
bool decode_attention_fits(uint32_t heads, const KvView& kv, const RoundingView& rounding);

// The longest context that shares a cut of the key range with one of `length` tokens: a power of two, up to
// where the cut no longer changes.
uint32_t decode_length_class(uint32_t length);
uint32_t decode_attention_parts(uint32_t length_class, uint32_t heads, uint32_t kv_heads, int processors);
uint32_t decode_attention_counters(uint32_t heads, uint32_t kv_heads);

cudaError_t launch_decode_attention(const DecodeAttentionView& attention, const RoundingView& rounding,
                                    const ActivationView& out, cudaStream_t stream);

} // namespace fp4::cuda
