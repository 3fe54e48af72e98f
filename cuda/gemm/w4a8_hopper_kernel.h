// W4A8 on Hopper: MXFP4 weights become E4M3 in registers, block scales folded in (e4m3_fold.h), and are
// operand A of FP8 warpgroup products; operand B are tokens in E4M3 with one scale each. The instruction sums
// with few bits, so every 128 columns its sums are added in float32.
#pragma once

#include "cuda/gemm/e4m3_operand.h"
#include "cuda/gemm/hopper_panels.h"

namespace fp4::cuda {

template <int tokens>
using W4A8Panels = HopperPanels<tokens, 2>;

// Row factors are those of fp16 operands, in which a row's largest scale has another exponent.
inline constexpr float folded_unit = 0x1p-5f;
static_assert(mxfp4_row_unit_exponent - 5 == -fold_top_exponent);

// Two warpgroups' share of a block.
template <int tokens>
__device__ __forceinline__ void multiply_e4m3_panels(const W4A16Arguments& p, const W4A16Weights& w,
                                                     const HopperWork& work) {
    using Panels = W4A8Panels<tokens>;
    constexpr BlockFormat format = BlockFormat::mxfp4;
    const int thread = static_cast<int>(threadIdx.x), lane = thread & 31, warp = thread / 32;
    const int row_tiles = (w.n + 15) / 16, row = work.n0 + warp * 16 + (lane >> 2);
    const int row_tile = work.n0 / 16 + warp < row_tiles ? work.n0 / 16 + warp : row_tiles - 1;
    const FoldedCodes rows[2] = {row_codes(exponent_bias(w, row)), row_codes(exponent_bias(w, row + 8))};
    const uint8_t* codes = work.shared + Panels::x_bytes + warp * Panels::row_tile_bytes + lane * 16;
    float sums[Panels::products][Panels::sums] = {}, partial[Panels::sums];
    uint32_t a[4][4], next_a[4][4];
    uint4 scales{}, next_scales = load_weight_scales<format>(p, w, row_tile, work.first / 2, lane);
    Ring<Panels::stages> ring;
    // Half the weights of a panel, as soon as it is there.
    auto prepare = [&](uint32_t(&operand)[4][4], int panel, int half) {
        if (half == 0) {
            if (panel % 2 == 0) {
                scales = next_scales;
                if (panel + 2 < work.last)
                    next_scales = load_weight_scales<format>(p, w, row_tile, panel / 2 + 1, lane);
            }
            barrier_wait(work.barriers.filled + ring.stage, ring.parity);
        }
        const auto* words = reinterpret_cast<const uint4*>(codes + ring.stage * Panels::stage_bytes +
                                                           half * weight_tile_bytes);
        fold_tile(operand[2 * half], operand[2 * half + 1], *words, scales.x, rows);
        scales = {scales.y, scales.z, scales.w, 0};
    };
    // Products of a panel with operand `now`, while operand `after` of the next one is made.
    auto multiply = [&](const uint32_t(&now)[4][4], uint32_t(&after)[4][4], int panel) {
        const int stage = ring.stage;
        const uint64_t b = swizzled_descriptor(work.shared + stage * Panels::stage_bytes);
        const bool more = panel + 1 < work.last;
        ring.advance();
#pragma unroll
        for (int i = 0; i < Panels::products; ++i) {
            wgmma_fence();
#pragma unroll
            for (int step = 0; step < 4; ++step)
                wgmma_e4m3(partial, now[step], b + step * 2 + i * (Panels::product_tokens * 128 / 16),
                           step > 0);
            wgmma_commit();
            const bool last = i + 1 == Panels::products;
            if (more && i == 0) prepare(after, panel + 1, 0);
            if (more && last) prepare(after, panel + 1, 1);
            if (last)
                wgmma_wait_for(now, static_cast<uint32_t>(p.m), work.shared);
            else
                wgmma_wait();
            keep_in_place(partial);
#pragma unroll
            for (int j = 0; j < Panels::sums; ++j) sums[i][j] += partial[j];
        }
        if (lane == 0) barrier_arrive(work.barriers.read + stage);
    };
    for (int half : {0, 1}) prepare(a, work.first, half);
    for (int panel = work.first; panel < work.last; panel += 2) {
        multiply(a, next_a, panel);
        if (panel + 1 < work.last) multiply(next_a, a, panel + 1);
    }
    store_sums<Panels>(p, w, work, row, folded_unit, sums);
}

} // namespace fp4::cuda
