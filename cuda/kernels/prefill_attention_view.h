// Attention of many queries as kernels see it.
#pragma once

#include "cuda/device/attention_parts.h"
#include "cuda/device/kv_view.h"

namespace fp4::cuda {

struct PrefillAttention : AttentionParts {
    const float* q = nullptr; // [n, heads * head_dim]
    uint32_t position = 0;
    KvView kv;
};

} // namespace fp4::cuda
