// What a warp does in attention: four queries of one KV head against a range of its keys, by the running
// softmax of Milakov and Gimelshein (arXiv 1805.02867). Lanes share the values of a head, V each.
#pragma once

#include <cuda_fp16.h>

#include "cuda/device/kv_view.h"
#include "cuda/device/warp.h"

namespace fp4::cuda {

inline constexpr uint32_t warp_rows = 4; // queries of one KV head
inline constexpr uint32_t warp_keys = 8; // at a time; warp_rows x warp_keys scores are one a lane

// Values lane * V .. lane * V + V - 1 of a head; zero beyond it. Heads of f16 in whole shares are loaded in
// one piece; everything else goes by single values, in a function of its own so that the code stays small.
static __device__ __noinline__ float load_value(const KvView& kv, const uint8_t* head, uint32_t j) {
    return j < kv.head_dim ? kv_element(kv, head, j) : 0.0f;
}

template <int V, bool whole_f16>
__device__ __forceinline__ void load_head(const KvView& kv, const uint8_t* head, float (&out)[V]) {
    const uint32_t first = threadIdx.x % 32 * V;
    if constexpr (!whole_f16) {
#pragma unroll
        for (int i = 0; i < V; ++i) out[i] = load_value(kv, head, first + i);
        return;
    }
    uint32_t words[V / 2] = {};
    if (first < kv.head_dim) {
        if constexpr (V == 2) words[0] = *reinterpret_cast<const uint32_t*>(head + 2 * first);
        if constexpr (V == 4)
            reinterpret_cast<uint2&>(words) = *reinterpret_cast<const uint2*>(head + 2 * first);
        if constexpr (V == 8)
            reinterpret_cast<uint4&>(words) = *reinterpret_cast<const uint4*>(head + 2 * first);
    }
#pragma unroll
    for (int i = 0; i < V / 2; ++i) {
        const float2 pair = __half22float2(reinterpret_cast<const __half2&>(words[i]));
        out[2 * i] = pair.x, out[2 * i + 1] = pair.y;
    }
}

// 32 sums over the warp at once: in the end values[0] of lane i is the total of values[i].
template <int half>
__device__ __forceinline__ void transposed_sum(float (&values)[32]) {
    const bool upper = threadIdx.x & half;
#pragma unroll
    for (int i = 0; i < half; ++i) {
        const float kept = upper ? values[i + half] : values[i], sent = upper ? values[i] : values[i + half];
        values[i] = kept + __shfl_xor_sync(all_lanes, sent, half);
    }
    if constexpr (half > 1) transposed_sum<half / 2>(values);
}

// Largest and sum over the lanes of the same row.
__device__ inline float row_max(float value) {
    for (int step = warp_rows; step < 32; step *= 2)
        value = fmaxf(value, __shfl_xor_sync(all_lanes, value, step));
    return value;
}
__device__ inline float row_sum(float value) {
    for (int step = warp_rows; step < 32; step *= 2) value += __shfl_xor_sync(all_lanes, value, step);
    return value;
}

struct KeyRange {
    uint32_t begin, end;
};

template <int V>
struct AttentionRows {
    float sums[warp_rows][V] = {}; // of exp(score - largest) x value
    float largest = -INFINITY;     // largest score of row lane % 4
    float total = 0.0f;            // sum of exp(score - largest) of that row
};

// queries: scaled. seen: the keys that row lane % 4 sees.
template <int V, bool whole_f16>
__device__ __forceinline__ void attend(const KvView& kv, uint32_t kv_head,
                                       const float (&queries)[warp_rows][V], KeyRange range, KeyRange seen,
                                       AttentionRows<V>& rows) {
    const uint32_t lane = threadIdx.x % 32;
    for (uint32_t first = range.begin; first < range.end; first += warp_keys) {
        float scores[32], values[warp_keys][V];
#pragma unroll
        for (uint32_t k = 0; k < warp_keys; ++k) {
            // Keys beyond the end are read again and not counted.
            const size_t place = head_place(kv, min(first + k, range.end - 1), kv_head);
            float key[V];
            load_head<V, whole_f16>(kv, kv.keys + place, key);
            load_head<V, whole_f16>(kv, kv.values + place, values[k]);
#pragma unroll
            for (uint32_t r = 0; r < warp_rows; ++r) {
                float sum = 0.0f;
#pragma unroll
                for (int i = 0; i < V; ++i) sum += queries[r][i] * key[i];
                scores[k * warp_rows + r] = sum;
            }
        }
        transposed_sum<16>(scores);
        const float score = scores[0];
        const uint32_t key = first + lane / warp_rows;
        const bool counts = key >= seen.begin && key < min(seen.end, range.end);
        const float top = fmaxf(rows.largest, row_max(counts ? score : -INFINITY));
        // Nothing seen so far: no score to subtract.
        const float weight = counts ? expf(score - top) : 0.0f;
        const float shrink = rows.largest == -INFINITY ? 0.0f : expf(rows.largest - top);
        rows.total = rows.total * shrink + row_sum(weight);
        rows.largest = top;
#pragma unroll
        for (uint32_t r = 0; r < warp_rows; ++r) {
            const float factor = __shfl_sync(all_lanes, shrink, r);
            for (float& sum : rows.sums[r]) sum *= factor;
        }
#pragma unroll
        for (uint32_t k = 0; k < warp_keys; ++k) {
#pragma unroll
            for (uint32_t r = 0; r < warp_rows; ++r) {
                const float factor = __shfl_sync(all_lanes, weight, k * warp_rows + r);
#pragma unroll
                for (int i = 0; i < V; ++i) rows.sums[r][i] += factor * values[k][i];
            }
        }
    }
}

} // namespace fp4::cuda
