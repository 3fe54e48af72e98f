// Attention that is cut into parts of the key range, and what each part leaves for their combination.
#pragma once

#include <cstdint>

struct float2;

namespace fp4::cuda {

struct AttentionParts {
    uint32_t n = 0;
    uint32_t heads = 0;
    float scale = 1.0f;
    uint32_t window = 0;      // 0: all
    uint32_t splits = 1;      // parts of the key range
    float* sums = nullptr;    // [n, heads, splits, head_dim]: of exp(score - largest) x value
    float2* states = nullptr; // [n, heads, splits]: largest score, sum of exp(score - largest)
};

// The first key that is seen by a query which sees keys up to `end`.
constexpr uint32_t first_seen(uint32_t window, uint32_t end) {
    return window != 0 && end > window ? end - window : 0;
}

} // namespace fp4::cuda
