// W4A16: exact FP4 weights as fp16 operand A, half-precision activations as operand B, float32 sums. What the
// kernels for mma.sync and for wgmma share: arguments, weights to fp16, epilogue.
//
// Element x scale of NVFP4 is exact in fp16. MXFP4 scales are taken relative to the largest of their row,
// which is exact down to 2^-24 of it and cut to fp16's smallest numbers below. Row factors undo both.
#pragma once

#include <type_traits>

#include "cuda/gemm/fp4_layout.h"
#include "cuda/mma/nibble.h"

namespace fp4::cuda {

// What a weight row's sums are multiplied with, and (MXFP4) what is added to its scale codes to give fp16
// exponents.
struct W4Row {
    float factor;
    int exponent_bias;
};

struct W4A16Weights {
    const uint8_t* codes = nullptr;
    const uint8_t* scales = nullptr;
    const W4Row* rows = nullptr; // [n]
    const float* bias = nullptr; // [n] or null
    float* out = nullptr;        // [m][n], or the sums of each split, [splits][m][n]
    int n = 0;
    bool accumulate = false;
    int first_block = 0; // where its blocks of 128 rows start among those of all weights
};

// Weights that share the activations, side by side in one launch.
struct W4A16Arguments {
    const uint8_t* x = nullptr; // half panels
    size_t panel_rows = 0;
    const float* x_scale = nullptr; // [m] or null
    int m = 0, k = 0;
    int split_panels = 0;   // of a split, a multiple of 4
    bool sums_only = false; // out takes the splits' sums, without factors, bias and old values
    int weight_count = 1;
    W4A16Weights weights[gemm_weights];
};

// The weights of row block blockIdx.y; n0: the block's first row in them.
__device__ __forceinline__ const W4A16Weights& weights_of_block(const W4A16Arguments& p, int& n0) {
    const int block = static_cast<int>(blockIdx.y);
    int index = 0;
    while (index + 1 < p.weight_count && block >= p.weights[index + 1].first_block) ++index;
    n0 = (block - p.weights[index].first_block) * 128;
    return p.weights[index];
}

__device__ __forceinline__ int panel_count(const W4A16Arguments& p) {
    return (p.k + 63) / 64;
}

// A lane's scales of its rows g and g + 8 in 256 columns: one word for 64 columns.
template <BlockFormat format>
__device__ __forceinline__ uint4 load_weight_scales(const W4A16Arguments& p, const W4A16Weights& w,
                                                    int row_tile, int chunk, int lane) {
    const size_t chunks = static_cast<size_t>(p.k + 255) / 256;
    const uint8_t* scales = w.scales + (row_tile * chunks + chunk) * weight_scale_chunk(format);
    const int g = lane >> 2, second = lane >> 1 & 1;
    return *reinterpret_cast<const uint4*>(scales +
                                           (format == BlockFormat::nvfp4 ? g * 32 + second * 16 : g * 16));
}

// Byte `byte` of a scale word as an fp16 pair that takes e2m1_pair's 2^-14 away: scale x 2^6 (NVFP4), or
// 2^15 x scale / largest scale of the row.
template <BlockFormat format>
__device__ __forceinline__ uint32_t scale_pair(uint32_t word, int byte, int exponent_bias) {
    if constexpr (format == BlockFormat::nvfp4)
        return multiply_f16x2((word >> 8 * byte & 0x7F) * 0x00800080u, f16x2_two_to_14);
    const int exponent = static_cast<int>(word >> 8 * byte & 0xFF) + exponent_bias;
    return static_cast<uint32_t>(exponent > 0 ? exponent : 0) * 0x04000400u;
}
inline constexpr int mxfp4_top_exponent = 30;      // biased fp16 exponent of a row's largest scale
inline constexpr float nvfp4_row_unit = 0x1p8f;    // 2^14 / 2^6
inline constexpr int mxfp4_row_unit_exponent = -1; // 2^14 / 2^15

// Operand A of m16n8k16 step q (0, 1) of a run of 32 columns, from the words of rows g and g + 8.
template <int q>
__device__ __forceinline__ void weight_operand(uint32_t (&a)[4], uint32_t row, uint32_t row8, uint32_t scale,
                                               uint32_t scale8) {
    a[0] = multiply_f16x2(e2m1_pair<2 * q>(row), scale);
    a[1] = multiply_f16x2(e2m1_pair<2 * q>(row8), scale8);
    a[2] = multiply_f16x2(e2m1_pair<2 * q + 1>(row), scale);
    a[3] = multiply_f16x2(e2m1_pair<2 * q + 1>(row8), scale8);
}

// Two weight rows, 8 apart, as the epilogue sees them.
struct OutputRows {
    int row;
    float factor[2], bias[2];
    bool inside[2];
};

__device__ __forceinline__ int exponent_bias(const W4A16Weights& w, int row) {
    return w.rows[row < w.n ? row : w.n - 1].exponent_bias;
}

__device__ __forceinline__ OutputRows output_rows(const W4A16Arguments& p, const W4A16Weights& w, int row) {
    OutputRows rows{row, {1.0f, 1.0f}, {0.0f, 0.0f}, {row < w.n, row + 8 < w.n}};
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        if (p.sums_only || !rows.inside[i]) continue;
        rows.factor[i] = w.rows[row + 8 * i].factor;
        if (w.bias) rows.bias[i] = w.bias[row + 8 * i];
    }
    return rows;
}

// Sums of four tiles of eight tokens, [tile][as in m16n8k16], of which the thread has two tokens and two rows
// each. first: its first token. All that is read is read before anything is stored: the compiler would have
// to keep the order of loads and stores, and every load would be waited for. whole: nothing of the block lies
// outside the matrix.
inline constexpr int stored_tiles = 4;
template <bool whole>
__device__ __forceinline__ void store_tiles(const W4A16Arguments& p, int n, float* out, int first,
                                            const OutputRows& rows, const float (&sums)[stored_tiles][4],
                                            float unit, bool accumulate) {
    float x_scale[stored_tiles][2], old[stored_tiles][2][2];
    auto token_of = [&](int tile, int e) { return first + 8 * tile + e; };
    auto place_of = [&](int tile, int e) {
        return out + static_cast<size_t>(token_of(tile, e)) * static_cast<size_t>(n) + rows.row;
    };
#pragma unroll
    for (int tile = 0; tile < stored_tiles; ++tile) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
            const bool there = whole || token_of(tile, e) < p.m;
            x_scale[tile][e] = there && p.x_scale ? p.x_scale[token_of(tile, e)] : 1.0f;
#pragma unroll
            for (int i = 0; i < 2; ++i)
                old[tile][e][i] =
                    there && accumulate && (whole || rows.inside[i]) ? place_of(tile, e)[8 * i] : 0.0f;
        }
    }
#pragma unroll
    for (int tile = 0; tile < stored_tiles; ++tile) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
            if (!whole && token_of(tile, e) >= p.m) continue;
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                const float value =
                    sums[tile][2 * i + e] * unit * rows.factor[i] * x_scale[tile][e] + rows.bias[i];
                if (whole || rows.inside[i])
                    place_of(tile, e)[8 * i] = accumulate ? old[tile][e][i] + value : value;
            }
        }
    }
}

// Calls store(whole, accumulate) with constants, at least where the whole block lies inside.
template <class Store>
__device__ __forceinline__ void store_block(const W4A16Weights& w, bool whole, Store&& store) {
    if (!whole)
        store(std::false_type(), w.accumulate);
    else if (w.accumulate)
        store(std::true_type(), std::true_type());
    else
        store(std::true_type(), std::false_type());
}

// Where the sums of a split go; out itself without splits.
__device__ __forceinline__ float* split_output(const W4A16Arguments& p, const W4A16Weights& w, int split) {
    return w.out + static_cast<size_t>(split) * static_cast<size_t>(p.m) * static_cast<size_t>(w.n);
}

} // namespace fp4::cuda
