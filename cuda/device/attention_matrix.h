// RowAttention for keys and values of f16 in heads of whole eights, by mma.m16n8k16. Queries and weights are
// two f16 parts of 11 bits each, side by side as rows: nothing is rounded to less than 22 bits. A lane is 4 g
// + t.
//
//   scores   rows x keys: queries are operand A (rows 0..3 high parts, 4..7 low parts), keys operand B. Both
//   have the
//            dims of 32 in the order in which lane t loads eight neighbours.
//   sums     dims x rows: values are operand A, turned by byte permutations as a lane has two neighbouring
//   keys;
//            weights operand B, where scores lie already.
#pragma once

#include <cuda_fp16.h>

#include "cuda/device/attention_rows.h"
#include "cuda/device/fragments.h"

namespace fp4::cuda {

template <int V>
class MatrixAttention {
  public:
    static constexpr uint32_t step_keys = 16;
    // Whether keys and values are loaded a step ahead: heads larger than that leave no registers for it.
    static constexpr bool ahead = V <= 4;

    static __device__ __forceinline__ uint32_t own_row() { return threadIdx.x / 4 % warp_rows; }

    template <class Row>
    __device__ __forceinline__ void set_queries(Row&& row, float scale, uint32_t dim) {
        const float* source = row(own_row());
        float values[V][8];
        uint32_t largest = 0;
#pragma unroll
        for (uint32_t c = 0; c < V; ++c) {
            const uint32_t first = 32 * c + 8 * t();
            const bool there = source && first < dim;
#pragma unroll
            for (uint32_t i = 0; i < 8; i += 4) {
                const float4 four = there ? *reinterpret_cast<const float4*>(source + first + i)
                                          : float4{0.0f, 0.0f, 0.0f, 0.0f};
                values[c][i] = four.x * scale, values[c][i + 1] = four.y * scale;
                values[c][i + 2] = four.z * scale, values[c][i + 3] = four.w * scale;
            }
#pragma unroll
            for (float value : values[c]) largest = max(largest, __float_as_uint(value) & 0x7FFFFFFFu);
        }
        // Times a power of two that puts the largest value in [2^10, 2^11): no product overflows.
        const uint32_t exponent = max(group_max(largest, 4) >> 23, 11u) - 10;
        const float inverse = __uint_as_float((254 - exponent) << 23);
        unit_ = __uint_as_float(exponent << 23);
#pragma unroll
        for (uint32_t c = 0; c < V; ++c) {
#pragma unroll
            for (uint32_t i = 0; i < 4; ++i)
                queries_[2 * c + i / 2][i % 2] =
                    own_part(values[c][2 * i] * inverse, values[c][2 * i + 1] * inverse);
        }
    }

    __device__ __forceinline__ void load(const KvView& kv, uint32_t kv_head, const KeyRange& range) {
        if (!ahead || range.begin >= range.end) return;
        load_keys(kv, kv_head, range.begin, range);
        load_values(kv, kv_head, range.begin, range);
    }

    // key, value: of token `position`, f16. The block that they belong to has stored them by now, too late
    // for what was loaded ahead.
    __device__ __forceinline__ void set_newest(const KeyRange& range, uint32_t position, const uint4* key,
                                               const uint4* value, uint32_t dim) {
        if constexpr (ahead) {
            if (range.end <= position) return; // not here, or nothing at all
#pragma unroll
            for (uint32_t i = 0; i < 2; ++i) {
                if (key_token(range.begin, i, range) < position) continue;
#pragma unroll
                for (uint32_t c = 0; c < V; ++c)
                    keys_[i][c] = 32 * c + 8 * t() < dim ? key[4 * c + t()] : uint4{};
            }
#pragma unroll
            for (uint32_t k = 0; k < 4; ++k) {
                if (value_token(range.begin, k, range) < position) continue;
#pragma unroll
                for (uint32_t q = 0; q < V / 2; ++q)
                    values_[q][k] = 64 * q + 8 * g() < dim ? value[8 * q + g()] : uint4{};
            }
        }
    }

    __device__ __forceinline__ void attend(const KvView& kv, uint32_t kv_head, const KeyRange& range,
                                           const KeyRange& seen) {
        for (uint32_t first = range.begin; first < range.end; first += step_keys) {
            const uint32_t next = first + step_keys;
            if (!ahead) load_keys(kv, kv_head, first, range);
            float scores[2][4] = {}; // of eight keys each: this row, keys 2 t and 2 t + 1
#pragma unroll
            for (uint32_t c = 0; c < V; ++c) {
#pragma unroll
                for (uint32_t i = 0; i < 2; ++i) {
                    const uint4& key = keys_[i][c];
                    const uint32_t upper[4] = {queries_[2 * c][0], 0, queries_[2 * c][1], 0};
                    const uint32_t lower[4] = {queries_[2 * c + 1][0], 0, queries_[2 * c + 1][1], 0};
                    mma_f16(scores[i], upper, key.x, key.y);
                    mma_f16(scores[i], lower, key.z, key.w);
                }
            }
            if (ahead && next < range.end) load_keys(kv, kv_head, next, range);
            if (!ahead) load_values(kv, kv_head, first, range);
            uint32_t weights[2];
            float shrink[2];
            soften(scores, first, {seen.begin, min(seen.end, range.end)}, weights, shrink);
#pragma unroll
            for (uint32_t q = 0; q < V / 2; ++q) {
#pragma unroll
                for (uint32_t i = 0; i < 4; ++i) {
                    float(&sum)[4] = sums_[q][i];
                    sum[0] *= shrink[0], sum[1] *= shrink[1], sum[2] *= shrink[0], sum[3] *= shrink[1];
                    const uint32_t k0 = word_of(values_[q][0], i), k1 = word_of(values_[q][1], i);
                    const uint32_t k8 = word_of(values_[q][2], i), k9 = word_of(values_[q][3], i);
                    const uint32_t a[4] = {__byte_perm(k0, k1, 0x5410), __byte_perm(k0, k1, 0x7632),
                                           __byte_perm(k8, k9, 0x5410), __byte_perm(k8, k9, 0x7632)};
                    mma_f16(sum, a, weights[0], weights[1]);
                }
            }
            if (ahead && next < range.end) load_values(kv, kv_head, next, range);
        }
    }

    template <class Put, class State>
    __device__ __forceinline__ void store(Put&& put, State&& state) const {
        const uint32_t row = 2 * (t() % 2);
        const bool low = t() >= 2; // lanes t and t + 2 have the parts of the same sums: each adds up one half
#pragma unroll
        for (uint32_t q = 0; q < V / 2; ++q) {
#pragma unroll
            for (uint32_t i = 0; i < 4; i += 2) {
                float sum[4];
#pragma unroll
                for (int e = 0; e < 4; ++e) {
                    const float kept = low ? sums_[q][i + 1][e] : sums_[q][i][e];
                    const float sent = low ? sums_[q][i][e] : sums_[q][i + 1][e];
                    sum[e] = kept + __shfl_xor_sync(all_lanes, sent, 2);
                }
                const uint32_t j = 64 * q + 8 * g() + 2 * (i + low);
                put(row, j, sum[0], sum[2]);
                put(row + 1, j, sum[1], sum[3]);
            }
        }
        if (t() == 0 && g() < warp_rows) state(g(), largest_, total_);
    }

  private:
    static __device__ __forceinline__ uint32_t g() {
        return threadIdx.x % 32 / 4;
    }
    static __device__ __forceinline__ uint32_t t() {
        return threadIdx.x % 4;
    }

    // Keys and values of a lane; the last one again in place of those beyond the range.
    static __device__ __forceinline__ uint32_t key_token(uint32_t first, uint32_t i, const KeyRange& range) {
        return min(first + 8 * i + g(), range.end - 1);
    }
    static __device__ __forceinline__ uint32_t value_token(uint32_t first, uint32_t k,
                                                           const KeyRange& range) {
        return min(first + 2 * t() + k % 2 + k / 2 * 8, range.end - 1);
    }
    __device__ __forceinline__ void load_keys(const KvView& kv, uint32_t kv_head, uint32_t first,
                                              const KeyRange& range) {
#pragma unroll
        for (uint32_t i = 0; i < 2; ++i) {
            const auto* head =
                reinterpret_cast<const uint4*>(kv.keys + head_place(kv, key_token(first, i, range), kv_head));
#pragma unroll
            for (uint32_t c = 0; c < V; ++c)
                keys_[i][c] = 32 * c + 8 * t() < kv.head_dim ? head[4 * c + t()] : uint4{};
        }
    }
    __device__ __forceinline__ void load_values(const KvView& kv, uint32_t kv_head, uint32_t first,
                                                const KeyRange& range) {
#pragma unroll
        for (uint32_t k = 0; k < 4; ++k) {
            const auto* head = reinterpret_cast<const uint4*>(
                kv.values + head_place(kv, value_token(first, k, range), kv_head));
#pragma unroll
            for (uint32_t q = 0; q < V / 2; ++q)
                values_[q][k] = 64 * q + 8 * g() < kv.head_dim ? head[8 * q + g()] : uint4{};
        }
    }

    // Of two values, as a pair: the high part in lanes of rows 0..3, the low part in the others.
    static __device__ __forceinline__ uint32_t own_part(float a, float b) {
        __half2 pair = __floats2half2_rn(a, b);
        const float2 high = __half22float2(pair);
        if (g() >= warp_rows) pair = __floats2half2_rn(a - high.x, b - high.y);
        return reinterpret_cast<const uint32_t&>(pair);
    }

    // Scores to weights; shrink: of the rows of this lane's sums, 2 t and 2 t + 1.
    __device__ __forceinline__ void soften(const float (&parts)[2][4], uint32_t first, KeyRange counted,
                                           uint32_t (&weights)[2], float (&shrink)[2]) {
        // Weights reach 2^14: their low parts are far above the smallest f16. It cancels against total_.
        constexpr float weight_unit = 0x1p14f;
        float values[2][2], top = -INFINITY;
#pragma unroll
        for (uint32_t i = 0; i < 2; ++i) {
#pragma unroll
            for (uint32_t e = 0; e < 2; ++e) {
                const float score = (parts[i][e] + __shfl_xor_sync(all_lanes, parts[i][e], 16)) * unit_;
                const uint32_t key = first + 8 * i + 2 * t() + e;
                values[i][e] = key >= counted.begin && key < counted.end ? score : -INFINITY;
                top = fmaxf(top, values[i][e]);
            }
        }
        top = fmaxf(top, __shfl_xor_sync(all_lanes, top, 1));
        top = fmaxf(top, __shfl_xor_sync(all_lanes, top, 2));
        top = fmaxf(top, largest_);
        const float shift = top == -INFINITY ? 0.0f : top; // nothing seen so far
        const float own_shrink = expf(largest_ - shift);
        float sum = 0.0f;
#pragma unroll
        for (uint32_t i = 0; i < 2; ++i) {
            const float a = expf(values[i][0] - shift) * weight_unit,
                        b = expf(values[i][1] - shift) * weight_unit;
            sum += a + b;
            weights[i] = own_part(a, b);
        }
        sum += __shfl_xor_sync(all_lanes, sum, 1);
        sum += __shfl_xor_sync(all_lanes, sum, 2);
        total_ = total_ * own_shrink + sum;
        largest_ = top;
#pragma unroll
        for (uint32_t e = 0; e < 2; ++e)
            shrink[e] = __shfl_sync(all_lanes, own_shrink, 4 * (2 * (t() % 2) + e));
    }

    uint32_t queries_[2 * V][2]; // by 16 dims
    uint4 keys_[2][V];           // [eight keys][32 dims]: key g, dims 8 t .. 8 t + 7
    uint4 values_[V / 2][4];     // [64 dims][keys 2 t, 2 t + 1, 2 t + 8, 2 t + 9]: dims 8 g .. 8 g + 7
    float sums_[V / 2][4][4] =
        {};             // [64 dims][i]: dims 8 g + 2 i and 8 g + 2 i + 1, each of rows 2 t and 2 t + 1
    float unit_ = 1.0f; // of the own row's scores
    float largest_ = -INFINITY, total_ = 0.0f; // of the own row
};

// Whether MatrixAttention can do it.
inline bool attends_by_matrix(const KvView& kv) {
    return kv.format == KvFormat::f16 && kv.head_dim % 8 == 0;
}

} // namespace fp4::cuda
