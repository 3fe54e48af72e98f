// Attention of many queries as kernels see it.
#pragma once

#include "cuda/device/kv_view.h"

struct float2;

namespace fp4::cuda {

struct PrefillAttention {
    const float* q = nullptr; // [n, heads * head_dim]
    uint32_t n = 0;
    uint32_t position = 0;
    uint32_t heads = 0;
    float scale = 1.0f;
    uint32_t window = 0;      // 0: all
    uint32_t splits = 1;      // parts of the key range
    float* sums = nullptr;    // [n, heads, splits, head_dim]: of exp(score - largest) x value
    float2* states = nullptr; // [n, heads, splits]: largest score, sum of exp(score - largest)
    KvView kv;
};

} // namespace fp4::cuda
