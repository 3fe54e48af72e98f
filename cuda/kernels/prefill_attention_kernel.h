// Attention of many queries: online softmax over tiles of keys (FlashAttention-2, Dao, arXiv 2307.08691,
// section 3.1) on mma.m16n8k16. A block takes the queries of some tokens and of all heads that share a KV
// head, as rows (token, head); warps have 16 x row_tiles rows each. Queries, keys, values and weights are f16
// operands, sums float32.
#pragma once

#include "cuda/kernels/prefill_attention_view.h"
#include "cuda/mma/lane.h"

namespace fp4::cuda {

// dim: of a head, or larger.
template <int dim>
struct PrefillShape {
    static constexpr int warps = 4, threads = warps * 32;
    static constexpr int row_tiles = dim <= 128 ? 2 : 1; // of 16 rows, of a warp
    static constexpr int rows = warps * row_tiles * 16;
    static constexpr int keys = dim <= 128 ? 64 : 32; // of a tile
    static constexpr int row_bytes = (dim + 63) / 64 * 128;
    static constexpr int q_bytes = rows * row_bytes, tile_bytes = keys * row_bytes;
    static constexpr int stages = 2; // of a tile of keys and one of values
    static constexpr int shared_bytes = q_bytes + stages * 2 * tile_bytes + rows * 4;
    static_assert(shared_bytes <= 101376, "sm_86, sm_89 and sm_120 have 99 KB for a block");
};

// Byte of eight neighbouring values in a matrix of rows in shared memory; permuted against bank conflicts.
template <int dim>
__device__ __forceinline__ int chunk_place(int row, int chunk) {
    return row * PrefillShape<dim>::row_bytes + (chunk ^ (row & 7)) * 16;
}

struct QueryRow {
    uint32_t token, head;
    uint32_t end; // of the keys it sees; 0 beyond the last row
};

__device__ __forceinline__ QueryRow query_row(const PrefillAttention& p, uint32_t row) {
    const uint32_t group = p.heads / p.kv.kv_heads;
    QueryRow result{row / group, blockIdx.y * group + row % group, 0};
    if (result.token < p.n) result.end = p.position + result.token + 1;
    return result;
}

// f16 queries x scale x log2 e in shared memory, each row times a power of two that puts its largest value in
// [2^10, 2^11): no product overflows. factors: what scores are multiplied with.
template <int dim>
__device__ __forceinline__ void load_queries(const PrefillAttention& p, uint8_t* shared, float* factors,
                                             uint32_t first_row) {
    using Shape = PrefillShape<dim>;
    const int lane = static_cast<int>(threadIdx.x & 31), warp = static_cast<int>(threadIdx.x / 32);
    constexpr int pairs = dim / 8; // of a lane; four lanes share a row
    for (int step = 0; step < Shape::row_tiles * 2; ++step) {
        const int row = (warp * Shape::row_tiles * 2 + step) * 8 + lane / 4;
        const QueryRow query = query_row(p, first_row + static_cast<uint32_t>(row));
        const float* source = p.q + (static_cast<size_t>(query.token) * p.heads + query.head) * p.kv.head_dim;
        const float scale = p.scale * 1.44269504f;
        float2 values[pairs];
        uint32_t largest = 0;
#pragma unroll
        for (int i = 0; i < pairs; ++i) {
            const uint32_t j = static_cast<uint32_t>(i * 8 + (lane & 3) * 2);
            values[i] = query.end != 0 && j < p.kv.head_dim ? *reinterpret_cast<const float2*>(source + j)
                                                            : float2{0.0f, 0.0f};
            values[i].x *= scale;
            values[i].y *= scale;
            const uint32_t x = __float_as_uint(values[i].x) & 0x7FFFFFFFu,
                           y = __float_as_uint(values[i].y) & 0x7FFFFFFFu;
            largest = x > largest ? x : largest;
            largest = y > largest ? y : largest;
        }
#pragma unroll
        for (int bit = 1; bit < 4; bit *= 2) {
            const uint32_t other = __shfl_xor_sync(0xFFFFFFFFu, largest, bit);
            largest = other > largest ? other : largest;
        }
        // Biased exponent of the factor.
        const uint32_t unit = (largest >> 23) > 11 ? (largest >> 23) - 10 : 1;
        const float inverse = __uint_as_float((254 - unit) << 23);
        if ((lane & 3) == 0) factors[row] = __uint_as_float(unit << 23);
#pragma unroll
        for (int i = 0; i < pairs; ++i)
            *reinterpret_cast<uint32_t*>(shared + chunk_place<dim>(row, i) + (lane & 3) * 4) =
                pack_f16x2(values[i].x * inverse, values[i].y * inverse);
    }
}

// A tile of keys or values from token `first` on, zero from `end` on. Heads of f16 in whole chunks arrive
// asynchronously; others are converted, beyond f16's range to its largest value.
template <int dim>
__device__ __forceinline__ void load_tile(const KvView& kv, const uint8_t* source, uint8_t* shared,
                                          uint32_t first, uint32_t end) {
    using Shape = PrefillShape<dim>;
    constexpr int chunks = dim / 8;
    const bool copied = kv.format == KvFormat::f16 && kv.head_dim % 8 == 0;
    for (int i = static_cast<int>(threadIdx.x); i < Shape::keys * chunks; i += Shape::threads) {
        const int key = i / chunks, chunk = i % chunks;
        const uint32_t token = first + static_cast<uint32_t>(key), j = static_cast<uint32_t>(chunk) * 8;
        const bool inside = token < end && j < kv.head_dim;
        const uint8_t* head = source + head_place(kv, token < end ? token : end - 1, blockIdx.y);
        uint8_t* to = shared + chunk_place<dim>(key, chunk);
        if (copied) {
            copy_async_or_zero(to, head + (inside ? j * 2 : 0), inside);
            continue;
        }
        uint32_t words[4] = {};
        for (uint32_t e = 0; inside && e < 4 && j + 2 * e < kv.head_dim; ++e) // head_dim is even
            words[e] =
                pack_f16x2_finite(kv_element(kv, head, j + 2 * e), kv_element(kv, head, j + 2 * e + 1));
        *reinterpret_cast<uint4*>(to) = {words[0], words[1], words[2], words[3]};
    }
}

// What a thread holds of its rows g and g + 8 of each row tile.
template <int dim>
struct PrefillState {
    using Shape = PrefillShape<dim>;
    float out[Shape::row_tiles][dim / 8][4] = {};
    float largest[Shape::row_tiles][2], total[Shape::row_tiles][2] = {}; // of scores before the factor
    float factor[Shape::row_tiles][2];
};

template <int dim>
using Scores = float[PrefillShape<dim>::row_tiles][PrefillShape<dim>::keys / 8][4];

template <int dim>
__device__ __forceinline__ void multiply_keys(Scores<dim>& scores, const uint8_t* queries,
                                              const uint8_t* keys, int lane) {
    using Shape = PrefillShape<dim>;
#pragma unroll
    for (int k = 0; k < dim / 16; ++k) {
        uint32_t a[Shape::row_tiles][4];
#pragma unroll
        for (int i = 0; i < Shape::row_tiles; ++i)
            load_matrix_x4(a[i], queries + chunk_place<dim>(16 * i + (lane & 15), 2 * k + (lane >> 4)));
#pragma unroll
        for (int j = 0; j < Shape::keys / 16; ++j) {
            uint32_t b[4];
            load_matrix_x4(
                b, keys + chunk_place<dim>(16 * j + (lane & 7) + 8 * (lane >> 4), 2 * k + (lane >> 3 & 1)));
            const uint32_t first[2] = {b[0], b[1]}, second[2] = {b[2], b[3]};
#pragma unroll
            for (int i = 0; i < Shape::row_tiles; ++i) {
                mma_f16(scores[i][2 * j], a[i], first);
                mma_f16(scores[i][2 * j + 1], a[i], second);
            }
        }
    }
}

// Scores of keys that a row does not see become minus infinity. Only the first and last tiles have such.
template <int dim>
__device__ __forceinline__ void mask_scores(const PrefillAttention& p, Scores<dim>& scores,
                                            uint32_t first_row, uint32_t first_key, int lane) {
    using Shape = PrefillShape<dim>;
#pragma unroll
    for (int i = 0; i < Shape::row_tiles; ++i) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            const uint32_t end =
                query_row(p, first_row + static_cast<uint32_t>(16 * i + 8 * h + (lane >> 2))).end;
            const uint32_t begin = first_seen(p.window, end);
#pragma unroll
            for (int j = 0; j < Shape::keys / 8; ++j) {
#pragma unroll
                for (int e = 0; e < 2; ++e) {
                    const uint32_t key = first_key + static_cast<uint32_t>(8 * j + 2 * (lane & 3) + e);
                    if (key < begin || key >= end) scores[i][j][2 * h + e] = -INFINITY;
                }
            }
        }
    }
}

// Scores to weights exp2(score - largest); what was summed so far shrinks to the new largest.
template <int dim>
__device__ __forceinline__ void soften(PrefillState<dim>& state, Scores<dim>& scores) {
    using Shape = PrefillShape<dim>;
    constexpr int key_tiles = Shape::keys / 8;
#pragma unroll
    for (int i = 0; i < Shape::row_tiles; ++i) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            float top = state.largest[i][h];
#pragma unroll
            for (int j = 0; j < key_tiles; ++j) {
#pragma unroll
                for (int e = 0; e < 2; ++e) top = fmaxf(top, scores[i][j][2 * h + e]);
            }
            top = fmaxf(top, __shfl_xor_sync(0xFFFFFFFFu, top, 1));
            top = fmaxf(top, __shfl_xor_sync(0xFFFFFFFFu, top, 2));
            // Nothing seen so far: no score to subtract.
            const float factor = state.factor[i][h], shift = top == -INFINITY ? 0.0f : top * factor;
            const float shrink = exp2_fast(state.largest[i][h] * factor - shift);
            float total = 0.0f;
#pragma unroll
            for (int j = 0; j < key_tiles; ++j) {
#pragma unroll
                for (int e = 0; e < 2; ++e) {
                    float& score = scores[i][j][2 * h + e];
                    score = exp2_fast(score * factor - shift);
                    total += score;
                }
            }
            state.largest[i][h] = top;
            state.total[i][h] = state.total[i][h] * shrink + total;
            if (shrink == 1.0f) continue; // soon nearly always
#pragma unroll
            for (int j = 0; j < dim / 8; ++j) {
                state.out[i][j][2 * h] *= shrink;
                state.out[i][j][2 * h + 1] *= shrink;
            }
        }
    }
}

template <int dim>
__device__ __forceinline__ void add_values(PrefillState<dim>& state, const Scores<dim>& weights,
                                           const uint8_t* values, int lane) {
    using Shape = PrefillShape<dim>;
#pragma unroll
    for (int k = 0; k < Shape::keys / 16; ++k) {
        uint32_t a[Shape::row_tiles][4];
#pragma unroll
        for (int i = 0; i < Shape::row_tiles; ++i) {
            const float(&low)[4] = weights[i][2 * k];
            const float(&high)[4] = weights[i][2 * k + 1];
            a[i][0] = pack_f16x2(low[0], low[1]), a[i][1] = pack_f16x2(low[2], low[3]);
            a[i][2] = pack_f16x2(high[0], high[1]), a[i][3] = pack_f16x2(high[2], high[3]);
        }
#pragma unroll
        for (int j = 0; j < dim / 16; ++j) {
            uint32_t b[4];
            load_matrix_x4_transposed(b,
                                      values + chunk_place<dim>(16 * k + (lane & 15), 2 * j + (lane >> 4)));
            const uint32_t first[2] = {b[0], b[1]}, second[2] = {b[2], b[3]};
#pragma unroll
            for (int i = 0; i < Shape::row_tiles; ++i) {
                mma_f16(state.out[i][2 * j], a[i], first);
                mma_f16(state.out[i][2 * j + 1], a[i], second);
            }
        }
    }
}

template <int dim>
__device__ __forceinline__ void store_rows(const PrefillAttention& p, const PrefillState<dim>& state,
                                           uint32_t first_row, int lane) {
    using Shape = PrefillShape<dim>;
#pragma unroll
    for (int i = 0; i < Shape::row_tiles; ++i) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            float total = state.total[i][h];
            total += __shfl_xor_sync(0xFFFFFFFFu, total, 1);
            total += __shfl_xor_sync(0xFFFFFFFFu, total, 2);
            const QueryRow row =
                query_row(p, first_row + static_cast<uint32_t>(16 * i + 8 * h + (lane >> 2)));
            if (row.end == 0) continue;
            const size_t place =
                (static_cast<size_t>(row.token) * p.heads + row.head) * p.splits + blockIdx.z;
            // Combined with expf: from powers of two to powers of e.
            if ((lane & 3) == 0)
                p.states[place] = float2{state.largest[i][h] * state.factor[i][h] * 0.693147181f, total};
            float* out = p.sums + place * p.kv.head_dim;
#pragma unroll
            for (int j = 0; j < dim / 8; ++j) {
                const uint32_t column = static_cast<uint32_t>(8 * j + 2 * (lane & 3));
                if (column < p.kv.head_dim)
                    *reinterpret_cast<float2*>(out + column) =
                        float2{state.out[i][j][2 * h], state.out[i][j][2 * h + 1]};
            }
        }
    }
}

template <int dim>
__device__ __forceinline__ void prefill_attention_block(const PrefillAttention& p) {
    using Shape = PrefillShape<dim>;
    uint8_t* shared = shared_memory();
    uint8_t* tiles = shared + Shape::q_bytes;
    float* factors = reinterpret_cast<float*>(tiles + Shape::stages * 2 * Shape::tile_bytes);
    const int lane = static_cast<int>(threadIdx.x & 31), warp = static_cast<int>(threadIdx.x / 32);
    const uint32_t rows = p.n * (p.heads / p.kv.kv_heads);
    // The last tokens see the most keys: they start first.
    const uint32_t first_row = (gridDim.x - 1 - blockIdx.x) * Shape::rows,
                   last_row = first_row + Shape::rows < rows ? first_row + Shape::rows - 1 : rows - 1;
    // This split's keys of those any row sees.
    const uint32_t first_end = query_row(p, first_row).end, end = query_row(p, last_row).end;
    const uint32_t begin = first_seen(p.window, first_end);
    const uint32_t all_tiles = (end - begin + Shape::keys - 1) / Shape::keys;
    const uint32_t each = (all_tiles + p.splits - 1) / p.splits;
    const uint32_t first_tile = blockIdx.z * each < all_tiles ? blockIdx.z * each : all_tiles;
    const uint32_t last_tile = first_tile + each < all_tiles ? first_tile + each : all_tiles;
    auto load = [&](uint32_t tile) {
        uint8_t* to = tiles + tile % Shape::stages * 2 * Shape::tile_bytes;
        load_tile<dim>(p.kv, p.kv.keys, to, begin + tile * Shape::keys, end);
        load_tile<dim>(p.kv, p.kv.values, to + Shape::tile_bytes, begin + tile * Shape::keys, end);
        copy_async_commit();
    };
    if (first_tile < last_tile) load(first_tile);
    load_queries<dim>(p, shared, factors, first_row);
    __syncthreads();
    const uint32_t warp_row = static_cast<uint32_t>(warp * Shape::row_tiles * 16);
    PrefillState<dim> state;
#pragma unroll
    for (int i = 0; i < Shape::row_tiles; ++i) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
            state.largest[i][h] = -INFINITY;
            state.factor[i][h] = factors[warp_row + static_cast<uint32_t>(16 * i + 8 * h + (lane >> 2))];
        }
    }
    const uint32_t all_see_from = first_seen(p.window, end); // and to first_end
    const uint8_t* queries = shared + static_cast<int>(warp_row) * Shape::row_bytes;
    for (uint32_t tile = first_tile; tile < last_tile; ++tile) {
        copy_async_wait<0>();
        __syncthreads(); // the tile has landed, and nobody reads the stage that is filled next
        if (tile + 1 < last_tile) load(tile + 1);
        const uint8_t* keys = tiles + tile % Shape::stages * 2 * Shape::tile_bytes;
        const uint32_t first = begin + tile * Shape::keys;
        Scores<dim> scores = {};
        multiply_keys<dim>(scores, queries, keys, lane);
        if (first < all_see_from || first + Shape::keys > first_end)
            mask_scores<dim>(p, scores, first_row + warp_row, first, lane);
        soften<dim>(state, scores);
        add_values<dim>(state, scores, keys + Shape::tile_bytes, lane);
    }
    store_rows<dim>(p, state, first_row + warp_row, lane);
}

} // namespace fp4::cuda
