// W4A16 on Hopper: weights become fp16 in registers and are operand A of warpgroup products; operand B, the
// tokens, is read from shared memory, where bulk copies bring panels of 64 columns.
#pragma once

#include "cuda/gemm/hopper_panels.h"

namespace fp4::cuda {

template <int tokens>
using W4A16Panels = HopperPanels<tokens, 1>;

// Operand A of the four steps of a panel.
template <BlockFormat format>
__device__ __forceinline__ void panel_operand(uint32_t (&a)[4][4], uint4 words, uint32_t scale_word,
                                              const int (&biases)[2]) {
#pragma unroll
    for (int run = 0; run < 2; ++run) {
        const uint32_t row = run == 0 ? words.x : words.z, row8 = run == 0 ? words.y : words.w;
        const uint32_t scale = scale_pair<format>(scale_word, 2 * run, biases[0]);
        const uint32_t scale8 = scale_pair<format>(scale_word, 2 * run + 1, biases[1]);
        weight_operand<0>(a[2 * run], row, row8, scale, scale8);
        weight_operand<1>(a[2 * run + 1], row, row8, scale, scale8);
    }
}

// Starts the products of one panel.
template <int tokens>
__device__ __forceinline__ void start_panel(
    float (&sums)[W4A16Panels<tokens>::products][W4A16Panels<tokens>::sums], const uint32_t (&a)[4][4],
    uint64_t b) {
    using Panels = W4A16Panels<tokens>;
    wgmma_fence();
#pragma unroll
    for (int step = 0; step < 4; ++step)
#pragma unroll
        for (int i = 0; i < Panels::products; ++i)
            wgmma_f16(sums[i], a[step], b + step * 2 + i * (Panels::product_tokens * 128 / 16));
    wgmma_commit();
}

// Two warpgroups' share of a block.
template <BlockFormat format, int tokens>
__device__ __forceinline__ void multiply_panels(const W4A16Arguments& p, const W4A16Weights& w,
                                                const HopperWork& work) {
    using Panels = W4A16Panels<tokens>;
    const int thread = static_cast<int>(threadIdx.x), lane = thread & 31, warp = thread / 32;
    const int row_tiles = (w.n + 15) / 16, row = work.n0 + warp * 16 + (lane >> 2);
    const int row_tile = work.n0 / 16 + warp < row_tiles ? work.n0 / 16 + warp : row_tiles - 1;
    const int biases[2] = {exponent_bias(w, row), exponent_bias(w, row + 8)};
    const uint8_t* words = work.shared + Panels::x_bytes + warp * Panels::row_tile_bytes + lane * 16;
    float sums[Panels::products][Panels::sums] = {};
    uint32_t a[4][4], next_a[4][4];
    uint4 scales{}, next_scales = load_weight_scales<format>(p, w, row_tile, work.first / 4, lane);
    Ring<Panels::stages> ring;
    // Weights of a panel, as soon as it is there.
    auto prepare = [&](uint32_t(&operand)[4][4], int panel) {
        if (panel % 4 == 0) {
            scales = next_scales;
            if (panel + 4 < work.last)
                next_scales = load_weight_scales<format>(p, w, row_tile, panel / 4 + 1, lane);
        }
        barrier_wait(work.barriers.filled + ring.stage, ring.parity);
        panel_operand<format>(operand,
                              *reinterpret_cast<const uint4*>(words + ring.stage * Panels::stage_bytes),
                              scales.x, biases);
        scales = {scales.y, scales.z, scales.w, 0};
    };
    // Products of a panel with operand `now`, while operand `after` of the next one is made.
    auto multiply = [&](const uint32_t(&now)[4][4], uint32_t(&after)[4][4], int panel) {
        const int stage = ring.stage;
        start_panel<tokens>(sums, now, swizzled_descriptor(work.shared + stage * Panels::stage_bytes));
        ring.advance();
        if (panel + 1 < work.last) prepare(after, panel + 1);
        wgmma_wait_for(now, static_cast<uint32_t>(p.m), work.shared);
        if (lane == 0) barrier_arrive(work.barriers.read + stage);
    };
    prepare(a, work.first);
    for (int panel = work.first; panel < work.last; panel += 2) {
        multiply(a, next_a, panel);
        if (panel + 1 < work.last) multiply(next_a, a, panel + 1);
    }
#pragma unroll
    for (int i = 0; i < Panels::products; ++i) keep_in_place(sums[i]);
    store_sums<Panels>(p, w, work, row, 1.0f, sums);
}

} // namespace fp4::cuda
