// W4A4 and W4A8 matrix products on the block-scaled FP4 tensor-core instruction: weights are its operand A
// (16 rows), tokens operand B (8 columns). A block makes 128 weight rows x 128 tokens with eight warps (2
// along the rows, 4 along the tokens, 64 x 32 each) from tiles of 128 k that asynchronous copies bring, three
// tiles ahead. Sums of a few hundred k are added to a second accumulator, because the tensor core rounds
// toward zero.
#pragma once

#include <utility>

#include "cuda/gemm/fp4_layout.h"
#include "cuda/mma/mma_fp4.h"

namespace fp4::cuda {

struct W4A4Arguments {
    const uint8_t* x_codes;
    const uint8_t* x_scales;
    const float* x_scale;
    const uint8_t* w_codes;
    const uint8_t* w_scales;
    float w_scale;
    const float* bias;
    float* out;
    int m, n, k;
    bool accumulate;
};

// format: of the activations. MXFP8 (E4M3) ones go with MXFP4 weights (W4A8).
template <BlockFormat format>
struct W4A4Shape {
    static constexpr bool eight_bits = format == BlockFormat::mxfp8_e4m3;
    static constexpr int threads = 256;
    static constexpr int stages = eight_bits ? 3 : 4;
    static constexpr int w_bytes = tile * tile / 2;
    static constexpr int x_row_bytes = eight_bits ? tile : tile / 2;
    static constexpr int x_bytes = tile * x_row_bytes;
    static constexpr int scale_bytes = tile * tile_scales(format); // of one operand
    static constexpr int stage_bytes = x_bytes + w_bytes + 2 * scale_bytes;
    static constexpr int shared_bytes = stages * stage_bytes;
    static_assert(shared_bytes <= 101376, "sm_120 has 99 KB for a block");
};

// Calls f(integral_constant<int, 0>) ... f(integral_constant<int, count - 1>).
template <int count, class F>
__device__ __forceinline__ void unrolled(F&& f) {
    [&]<int... i>(std::integer_sequence<int, i...>) {
        (f(std::integral_constant<int, i>()), ...);
    }
    (std::make_integer_sequence<int, count>());
}

// Where a 16-byte chunk of a token lies in a tile of rows of 64 or 128 bytes: eight rows that are read
// together touch all banks once.
template <int row_bytes>
__device__ __forceinline__ int swizzled(int row, int chunk) {
    return row * row_bytes + (chunk ^ (row_bytes == 64 ? row >> 1 & 3 : row & 7)) * 16;
}

// Tokens: codes swizzled, scales as they are.
template <BlockFormat format>
__device__ __forceinline__ void load_tokens(const W4A4Arguments& p, uint8_t* stage, int m0, int k_tile) {
    using Shape = W4A4Shape<format>;
    constexpr int row_bytes = Shape::x_row_bytes, row_chunks = row_bytes / 16;
    const int thread = static_cast<int>(threadIdx.x);
    const size_t k_tiles = static_cast<size_t>(p.k + 127) / 128;
#pragma unroll
    for (int i = 0; i < Shape::x_bytes / 16 / Shape::threads; ++i) {
        const int chunk = thread + i * Shape::threads, row = chunk / row_chunks;
        // Rows past the end repeat the last one; nobody stores what they give.
        const int from = m0 + row < p.m ? m0 + row : p.m - 1;
        copy_async<16>(stage + swizzled<row_bytes>(row, chunk % row_chunks),
                       p.x_codes + (from * k_tiles + k_tile) * row_bytes + chunk % row_chunks * 16);
    }
    if (thread < Shape::scale_bytes / 16)
        copy_async<16>(stage + Shape::x_bytes + Shape::w_bytes + thread * 16,
                       p.x_scales + (m0 / 128 * k_tiles + k_tile) * Shape::scale_bytes + thread * 16);
}

// Weights: [8 tiles of 16 rows][2 tiles of 64 columns][512 bytes]; scales [8][8 g][8 or 2 x 8 bytes].
template <BlockFormat format>
__device__ __forceinline__ void load_weights(const W4A4Arguments& p, uint8_t* stage, int n0, int k_tile) {
    using Shape = W4A4Shape<format>;
    const int thread = static_cast<int>(threadIdx.x);
    const size_t tiles = static_cast<size_t>(p.k + 63) / 64, chunks = static_cast<size_t>(p.k + 255) / 256;
    const int row_tiles = (p.n + 15) / 16;
    auto row_tile = [&](int i) {
        return static_cast<size_t>(n0 / 16 + i < row_tiles ? n0 / 16 + i : row_tiles - 1);
    };
#pragma unroll
    for (int i = 0; i < Shape::w_bytes / 16 / Shape::threads; ++i) {
        const int chunk = thread + i * Shape::threads, column_tile = 2 * k_tile + chunk / 32 % 2;
        const bool inside = static_cast<size_t>(column_tile) < tiles;
        const size_t place = row_tile(chunk / 64) * tiles + (inside ? column_tile : 0);
        copy_async_or_zero(stage + Shape::x_bytes + chunk * 16,
                           p.w_codes + place * weight_tile_bytes + chunk % 32 * 16, inside);
    }
    constexpr int pieces = Shape::scale_bytes / 8, lane_pieces = pieces / 64; // of 8 bytes, for 128 columns
    if (thread < pieces) {
        const int row = thread / lane_pieces; // 8 g of each of 8 tiles
        const size_t place = row_tile(row / 8) * chunks + k_tile / 2;
        copy_async<8>(stage + Shape::x_bytes + Shape::w_bytes + Shape::scale_bytes + thread * 8,
                      p.w_scales + place * weight_scale_chunk(format) + row % 8 * (16 * lane_pieces) +
                          thread % lane_pieces * 16 + k_tile % 2 * 8);
    }
}

template <BlockFormat format>
__device__ __forceinline__ void load_stage(const W4A4Arguments& p, uint8_t* stage, int m0, int n0,
                                           int k_tile) {
    load_tokens<format>(p, stage, m0, k_tile);
    load_weights<format>(p, stage, n0, k_tile);
}

__device__ __forceinline__ uint32_t shared_word(const uint8_t* address) {
    return *reinterpret_cast<const uint32_t*>(address);
}

// The scale word that this lane contributes for weight tiles 2 pair and 2 pair + 1 of a warp: its own row is
// g + 8 (t & 1) of tile 2 pair + t / 2.
template <BlockFormat format, int step>
__device__ __forceinline__ uint32_t weight_scale_word(const uint8_t* scales, int first_tile, int lane) {
    const int g = lane >> 2, upper = lane & 1, place = (first_tile + (lane >> 1 & 1)) * 8 + g;
    if constexpr (format != BlockFormat::nvfp4) // both steps in one word: bytes of k < 32, k < 64, ...
        return __byte_perm(shared_word(scales + place * 8), shared_word(scales + place * 8 + 4),
                           upper ? 0x7531 : 0x6420);
    const uint8_t* blocks = scales + place * 16 + 4 * step;
    return __byte_perm(shared_word(blocks), shared_word(blocks + 8), upper ? 0x7351 : 0x6240);
}

// One k64 step of a warp's 64 rows x 32 tokens.
// step 0 starts the sums of its tile.
template <BlockFormat format, Emulation emulation, int step>
__device__ __forceinline__ void multiply_step(float (&sums)[4][4][4], const uint8_t* stage, int warp_row,
                                              int warp_token, int lane) {
    using Shape = W4A4Shape<format>;
    constexpr bool mx = format == BlockFormat::mxfp4;
    constexpr int byte_id = mx ? 2 * step : 0;
    const uint8_t* x_scales = stage + Shape::x_bytes + Shape::w_bytes + (mx ? 0 : 4 * step);
    const uint8_t* w_scales = stage + Shape::x_bytes + Shape::w_bytes + Shape::scale_bytes;
    uint32_t a[4][4], b[4][2], scales_a[2];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const uint4 words = *reinterpret_cast<const uint4*>(
            stage + Shape::x_bytes + ((warp_row / 16 + i) * 2 + step) * 512 + lane * 16);
        a[i][0] = words.x;
        a[i][1] = words.y;
        a[i][2] = words.z;
        a[i][3] = words.w;
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const int row = warp_token + 16 * i + (lane & 7) + 8 * (lane >> 4);
        uint32_t words[4];
        load_matrix_x4(words, stage + swizzled<64>(row, 2 * step + (lane >> 3 & 1)));
        b[2 * i][0] = words[0];
        b[2 * i][1] = words[1];
        b[2 * i + 1][0] = words[2];
        b[2 * i + 1][1] = words[3];
        scales_a[i] = weight_scale_word<format, step>(w_scales, warp_row / 16 + 2 * i, lane);
    }
    const int token = warp_token + 8 * (lane & 3) + (lane >> 2);
    const uint32_t scales_b = shared_word(x_scales + token * static_cast<int>(tile_scales(format)));
    unrolled<4>([&](auto i) {
        unrolled<4>([&](auto j) {
            mma_fp4<format, emulation, byte_id, i % 2, byte_id, j, step == 0>(sums[i][j], a[i], b[j],
                                                                              scales_a[i / 2], scales_b);
        });
    });
}

// One k32 run of a warp's 64 rows x 32 tokens of W4A8.
template <int run>
__device__ __forceinline__ void multiply_run(float (&sums)[4][4][4], const uint8_t* stage, int warp_row,
                                             int warp_token, int lane) {
    constexpr BlockFormat format = BlockFormat::mxfp8_e4m3;
    using Shape = W4A4Shape<format>;
    const uint8_t* x_scales = stage + Shape::x_bytes + Shape::w_bytes;
    const uint8_t* w_scales = x_scales + Shape::scale_bytes;
    uint32_t a[4][4], b[4][2], scales_a[2];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        // Words of rows g and g + 8; even nibbles are the first half of the run's bytes, odd ones the second.
        const uint2 words = *reinterpret_cast<const uint2*>(
            stage + Shape::x_bytes + ((warp_row / 16 + i) * 2 + run / 2) * 512 + lane * 16 + run % 2 * 8);
        a[i][0] = words.x << 2 & 0x3C3C3C3C;
        a[i][1] = words.y << 2 & 0x3C3C3C3C;
        a[i][2] = words.x >> 2 & 0x3C3C3C3C;
        a[i][3] = words.y >> 2 & 0x3C3C3C3C;
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const int row = warp_token + 16 * i + (lane & 7) + 8 * (lane >> 4);
        uint32_t words[4];
        load_matrix_x4(words, stage + swizzled<128>(row, 2 * run + (lane >> 3 & 1)));
        b[2 * i][0] = words[0];
        b[2 * i][1] = words[1];
        b[2 * i + 1][0] = words[2];
        b[2 * i + 1][1] = words[3];
        scales_a[i] = weight_scale_word<format, 0>(w_scales, warp_row / 16 + 2 * i, lane);
    }
    const int token = warp_token + 8 * (lane & 3) + (lane >> 2);
    const uint32_t scales_b = shared_word(x_scales + token * 4);
    unrolled<4>([&](auto i) {
        unrolled<4>([&](auto j) {
            mma_e2m1_e4m3<run, i % 2, run, j, run == 0>(sums[i][j], a[i], b[j], scales_a[i / 2], scales_b);
        });
    });
}

// whole: nothing of the block lies outside the matrix.
template <bool whole>
__device__ __forceinline__ void store_tile(const W4A4Arguments& p, const float (&total)[4][4][4],
                                           int first_row, int first_token, int lane) {
    const int g = lane >> 2, t = lane & 3;
    float bias[4][2] = {};
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            const int row = first_row + 16 * i + 8 * half + g;
            if (p.bias && (whole || row < p.n)) bias[i][half] = p.bias[row];
        }
#pragma unroll
    for (int j = 0; j < 4; ++j) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
            const int token = first_token + 8 * j + 2 * t + e;
            if (!whole && token >= p.m) continue;
            const float scale = p.x_scale ? p.x_scale[token] * p.w_scale : p.w_scale;
            float* out = p.out + static_cast<size_t>(token) * static_cast<size_t>(p.n);
            // Read before anything is stored, or every load would be waited for.
            float old[4][2];
#pragma unroll
            for (int i = 0; i < 4; ++i) {
#pragma unroll
                for (int half = 0; half < 2; ++half) {
                    const int row = first_row + 16 * i + 8 * half + g;
                    old[i][half] = p.accumulate && (whole || row < p.n) ? out[row] : 0.0f;
                }
            }
#pragma unroll
            for (int i = 0; i < 4; ++i) {
#pragma unroll
                for (int half = 0; half < 2; ++half) {
                    const int row = first_row + 16 * i + 8 * half + g;
                    if (!whole && row >= p.n) continue;
                    const float value = total[i][j][2 * half + e] * scale + bias[i][half];
                    out[row] = p.accumulate ? old[i][half] + value : value;
                }
            }
        }
    }
}

template <BlockFormat format, Emulation emulation>
__device__ __forceinline__ void w4a4_block(const W4A4Arguments& p) {
    using Shape = W4A4Shape<format>;
    uint8_t* shared = shared_memory();
    const int thread = static_cast<int>(threadIdx.x), lane = thread & 31, warp = thread / 32;
    const int m0 = static_cast<int>(blockIdx.x * tile), n0 = static_cast<int>(blockIdx.y * tile);
    const int warp_row = warp / 4 * 64, warp_token = warp % 4 * 32;
    const int k_tiles = (p.k + 127) / 128;

#pragma unroll
    for (int ahead = 0; ahead < Shape::stages - 1; ++ahead) {
        if (ahead < k_tiles) load_stage<format>(p, shared + ahead * Shape::stage_bytes, m0, n0, ahead);
        copy_async_commit();
    }
    float total[4][4][4] = {}, sums[4][4][4];
    for (int k_tile = 0; k_tile < k_tiles; ++k_tile) {
        copy_async_wait<Shape::stages - 2>();
        __syncthreads(); // tile k_tile has landed, and nobody reads the stage that is filled next
        const int ahead = k_tile + Shape::stages - 1;
        if (ahead < k_tiles)
            load_stage<format>(p, shared + ahead % Shape::stages * Shape::stage_bytes, m0, n0, ahead);
        copy_async_commit();
        const uint8_t* stage = shared + k_tile % Shape::stages * Shape::stage_bytes;
        if constexpr (Shape::eight_bits) {
            unrolled<4>([&](auto run) { multiply_run<run>(sums, stage, warp_row, warp_token, lane); });
        } else {
            multiply_step<format, emulation, 0>(sums, stage, warp_row, warp_token, lane);
            multiply_step<format, emulation, 1>(sums, stage, warp_row, warp_token, lane);
        }
#pragma unroll
        for (int i = 0; i < 4; ++i)
#pragma unroll
            for (int j = 0; j < 4; ++j)
#pragma unroll
                for (int e = 0; e < 4; ++e) total[i][j][e] += sums[i][j][e];
    }
    if (m0 + 128 <= p.m && n0 + 128 <= p.n)
        store_tile<true>(p, total, n0 + warp_row, m0 + warp_token, lane);
    else
        store_tile<false>(p, total, n0 + warp_row, m0 + warp_token, lane);
}

} // namespace fp4::cuda
