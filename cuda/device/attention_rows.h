// What a warp does in attention: four queries of one KV head against a range of its keys, by the running
// softmax of Milakov and Gimelshein (arXiv 1805.02867). Here for every format of the cache; keys and values
// of f16 have matrix instructions (attention_matrix.h). Both classes have the same functions.
#pragma once

#include "cuda/device/kv_view.h"
#include "cuda/device/warp.h"

namespace fp4::cuda {

inline constexpr uint32_t warp_rows = 4; // queries of one KV head

struct KeyRange {
    uint32_t begin, end;
};

// A value of a head, zero beyond it: a function of its own so that the code stays small.
static __device__ __noinline__ float load_value(const KvView& kv, const uint8_t* head, uint32_t j) {
    return j < kv.head_dim ? kv_element(kv, head, j) : 0.0f;
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

// Lanes share the values of a head of up to 32 V, V each.
template <int V>
class RowAttention {
  public:
    static constexpr uint32_t step_keys = 8; // step_keys x warp_rows scores are one a lane

    // The row whose keys a lane must be told by attend().
    static __device__ __forceinline__ uint32_t own_row() { return threadIdx.x % warp_rows; }

    // row(r): the values of query r, null for none.
    template <class Row>
    __device__ __forceinline__ void set_queries(Row&& row, float scale, uint32_t dim) {
        const uint32_t first = threadIdx.x % 32 * V;
#pragma unroll
        for (uint32_t r = 0; r < warp_rows; ++r) {
            const float* source = row(r);
#pragma unroll
            for (uint32_t i = 0; i < V; ++i)
                queries_[r][i] = source && first + i < dim ? source[first + i] * scale : 0.0f;
        }
    }

    // Starts to load the first step's keys and values: nothing to gain here.
    __device__ void load(const KvView&, uint32_t, const KeyRange&) {}
    // The newest key and value, which memory did not hold then.
    __device__ void set_newest(const KeyRange&, uint32_t, const uint4*, const uint4*, uint32_t) {}

    // seen: the keys that the lane's own row sees.
    __device__ __forceinline__ void attend(const KvView& kv, uint32_t kv_head, const KeyRange& range,
                                           const KeyRange& seen) {
        for (uint32_t first = range.begin; first < range.end; first += step_keys) {
            float scores[32], values[step_keys][V];
#pragma unroll
            for (uint32_t k = 0; k < step_keys; ++k) {
                // Keys beyond the end are read again and not counted.
                const size_t place = head_place(kv, min(first + k, range.end - 1), kv_head);
                float key[V];
                load_head(kv, kv.keys + place, key);
                load_head(kv, kv.values + place, values[k]);
#pragma unroll
                for (uint32_t r = 0; r < warp_rows; ++r) {
                    float sum = 0.0f;
#pragma unroll
                    for (int i = 0; i < V; ++i) sum += queries_[r][i] * key[i];
                    scores[k * warp_rows + r] = sum;
                }
            }
            transposed_sum<16>(scores);
            const float score = scores[0];
            const uint32_t key = first + threadIdx.x % 32 / warp_rows;
            const bool counts = key >= seen.begin && key < min(seen.end, range.end);
            const float top = fmaxf(largest_, row_max(counts ? score : -INFINITY));
            // Nothing seen so far: no score to subtract.
            const float weight = counts ? expf(score - top) : 0.0f;
            const float shrink = largest_ == -INFINITY ? 0.0f : expf(largest_ - top);
            total_ = total_ * shrink + row_sum(weight);
            largest_ = top;
#pragma unroll
            for (uint32_t r = 0; r < warp_rows; ++r) {
                const float factor = __shfl_sync(all_lanes, shrink, r);
                for (float& sum : sums_[r]) sum *= factor;
            }
#pragma unroll
            for (uint32_t k = 0; k < step_keys; ++k) {
#pragma unroll
                for (uint32_t r = 0; r < warp_rows; ++r) {
                    const float factor = __shfl_sync(all_lanes, weight, k * warp_rows + r);
#pragma unroll
                    for (int i = 0; i < V; ++i) sums_[r][i] += factor * values[k][i];
                }
            }
        }
    }

    // put(row, j, a, b): values j and j + 1 of a row's weighted sum; state(row, largest score, sum of
    // weights).
    template <class Put, class State>
    __device__ __forceinline__ void store(Put&& put, State&& state) const {
        const uint32_t lane = threadIdx.x % 32;
#pragma unroll
        for (uint32_t r = 0; r < warp_rows; ++r) {
#pragma unroll
            for (uint32_t i = 0; i < V; i += 2) put(r, lane * V + i, sums_[r][i], sums_[r][i + 1]);
        }
        if (lane < warp_rows) state(lane, largest_, total_);
    }

  private:
    static __device__ __forceinline__ void load_head(const KvView& kv, const uint8_t* head, float (&out)[V]) {
#pragma unroll
        for (int i = 0; i < V; ++i) out[i] = load_value(kv, head, threadIdx.x % 32 * V + i);
    }

    float queries_[warp_rows][V];   // scaled
    float sums_[warp_rows][V] = {}; // of exp(score - largest) x value
    float largest_ = -INFINITY;     // score of the own row
    float total_ = 0.0f;            // of exp(score - largest)
};

} // namespace fp4::cuda
