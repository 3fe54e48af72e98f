// W4A16 on mma.sync (sm_80 on): a block makes 128 weight rows x 128 tokens with eight warps (4 along the
// rows, 2 along the tokens, 32 x 64 each); panels of 64 columns arrive by asynchronous copies, three ahead.
#pragma once

#include "cuda/gemm/w4a16_kernel.h"

namespace fp4::cuda {

struct W4A16MmaShape {
    static constexpr int threads = 256;
    static constexpr int stages = 4;
    static constexpr int x_bytes = 128 * 128;
    static constexpr int w_bytes = 8 * weight_tile_bytes;
    static constexpr int stage_bytes = x_bytes + w_bytes;
    static constexpr int shared_bytes = stages * stage_bytes;
    static_assert(shared_bytes <= 101376, "sm_86, sm_89 and sm_120 have 99 KB for a block");
};

__device__ __forceinline__ void load_panel(const W4A16Arguments& p, const W4A16Weights& w, uint8_t* stage,
                                           int m0, int n0, int panel) {
    using Shape = W4A16MmaShape;
    const int thread = static_cast<int>(threadIdx.x);
    const uint8_t* x = p.x + panel * half_panel_bytes(p.panel_rows) + static_cast<size_t>(m0) * 128;
#pragma unroll
    for (int i = 0; i < Shape::x_bytes / 16 / Shape::threads; ++i) {
        const int place = (thread + i * Shape::threads) * 16;
        copy_async<16>(stage + place, x + place);
    }
    const int row_tiles = (w.n + 15) / 16, wanted = n0 / 16 + thread / 32;
    const size_t place =
        static_cast<size_t>(wanted < row_tiles ? wanted : row_tiles - 1) * panel_count(p) + panel;
    copy_async<16>(stage + Shape::x_bytes + thread * 16,
                   w.codes + place * weight_tile_bytes + thread % 32 * 16);
}

// One run of 32 columns: 32 rows x 64 tokens.
template <BlockFormat format, int run>
__device__ __forceinline__ void multiply_run(float (&sums)[2][8][4], const uint8_t* stage,
                                             const uint4 (&words)[2], const uint32_t (&scale_words)[2],
                                             const int (&biases)[2][2], int warp_token, int lane) {
    uint32_t scales[2][2];
#pragma unroll
    for (int i = 0; i < 2; ++i)
#pragma unroll
        for (int upper = 0; upper < 2; ++upper)
            scales[i][upper] = scale_pair<format>(scale_words[i], 2 * run + upper, biases[i][upper]);
#pragma unroll
    for (int q = 0; q < 2; ++q) {
        uint32_t a[2][4];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            const uint32_t row = word_of(words[i], 2 * run), row8 = word_of(words[i], 2 * run + 1);
            if (q == 0)
                weight_operand<0>(a[i], row, row8, scales[i][0], scales[i][1]);
            else
                weight_operand<1>(a[i], row, row8, scales[i][0], scales[i][1]);
        }
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            const int token = warp_token + 16 * j + (lane & 7) + 8 * (lane >> 4);
            const int chunk = 4 * run + 2 * q + (lane >> 3 & 1);
            uint32_t b[4];
            load_matrix_x4(b, stage + token * 128 + (chunk ^ (token & 7)) * 16);
            const uint32_t first[2] = {b[0], b[1]}, second[2] = {b[2], b[3]};
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                mma_f16(sums[i][2 * j], a[i], first);
                mma_f16(sums[i][2 * j + 1], a[i], second);
            }
        }
    }
}

template <BlockFormat format>
__device__ __forceinline__ void w4a16_mma_block(const W4A16Arguments& p) {
    using Shape = W4A16MmaShape;
    uint8_t* shared = shared_memory();
    const int thread = static_cast<int>(threadIdx.x), lane = thread & 31, warp = thread / 32;
    int n0;
    const W4A16Weights& w = weights_of_block(p, n0);
    const int m0 = static_cast<int>(blockIdx.x) * 128;
    const int split = static_cast<int>(blockIdx.z), first = split * p.split_panels;
    const int warp_row = warp / 2 * 32, warp_token = warp % 2 * 64, g = lane >> 2, t = lane & 3;
    const int last = first + p.split_panels < panel_count(p) ? first + p.split_panels : panel_count(p);
    const int row_tiles = (w.n + 15) / 16;
    int tiles[2], biases[2][2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const int row = n0 + warp_row + 16 * i;
        tiles[i] = row / 16 < row_tiles ? row / 16 : row_tiles - 1;
        biases[i][0] = exponent_bias(w, row + g);
        biases[i][1] = exponent_bias(w, row + g + 8);
    }
#pragma unroll
    for (int ahead = 0; ahead < Shape::stages - 1; ++ahead) {
        if (first + ahead < last)
            load_panel(p, w, shared + ahead * Shape::stage_bytes, m0, n0, first + ahead);
        copy_async_commit();
    }
    uint4 scales[2], next_scales[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) next_scales[i] = load_weight_scales<format>(p, w, tiles[i], first / 4, lane);
    float sums[2][8][4] = {};
    for (int panel = first; panel < last; ++panel) {
        if (panel % 4 == 0) {
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                scales[i] = next_scales[i];
                if (panel + 4 < last)
                    next_scales[i] = load_weight_scales<format>(p, w, tiles[i], panel / 4 + 1, lane);
            }
        }
        copy_async_wait<Shape::stages - 2>();
        __syncthreads(); // the panel has landed, and nobody reads the stage that is filled next
        const int ahead = panel + Shape::stages - 1;
        if (ahead < last)
            load_panel(p, w, shared + (ahead - first) % Shape::stages * Shape::stage_bytes, m0, n0, ahead);
        copy_async_commit();
        const uint8_t* stage = shared + (panel - first) % Shape::stages * Shape::stage_bytes;
        uint4 words[2];
        uint32_t scale_words[2];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            words[i] = *reinterpret_cast<const uint4*>(stage + Shape::x_bytes + (warp_row / 16 + i) * 512 +
                                                       lane * 16);
            scale_words[i] = word_of(scales[i], panel % 4);
        }
        multiply_run<format, 0>(sums, stage, words, scale_words, biases, warp_token, lane);
        multiply_run<format, 1>(sums, stage, words, scale_words, biases, warp_token, lane);
    }
    float* out = split_output(p, w, split);
    store_block(w, m0 + 128 <= p.m && n0 + 128 <= w.n, [&](auto whole, auto accumulate) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            const OutputRows rows = output_rows(p, w, n0 + warp_row + 16 * i + g);
#pragma unroll
            for (int j = 0; j < 8; j += stored_tiles)
                store_tiles<whole()>(p, w.n, out, m0 + warp_token + 8 * j + 2 * t, rows,
                                     reinterpret_cast<const float(&)[stored_tiles][4]>(sums[i][j]), 1.0f,
                                     accumulate);
        }
    });
}

} // namespace fp4::cuda
