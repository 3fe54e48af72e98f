// W4A16 on Hopper: weights become fp16 in registers and are operand A of warpgroup products; operand B, the
// tokens, is read from shared memory, where bulk copies bring panels of 64 columns. A block makes 128 weight
// rows x `tokens` tokens: two warpgroups with 64 rows each, and one thread that keeps the copies going.
#pragma once

#include "cuda/gemm/hopper.h"
#include "cuda/gemm/w4a16_kernel.h"

namespace fp4::cuda {

template <int tokens>
struct W4A16HopperShape {
    static constexpr int consumers = 256, threads = consumers + 32;
    static constexpr int product_tokens = tokens < 128 ? tokens : 128; // of one instruction
    static constexpr int products = tokens / product_tokens;
    static constexpr int sums = product_tokens / 2; // of a thread and product
    static constexpr int x_bytes = tokens * 128;
    static constexpr int w_bytes = 8 * weight_tile_bytes;
    static constexpr int stage_bytes = (x_bytes + w_bytes + 1023) / 1024 * 1024;
    static constexpr int stages = tokens == 256 ? 5 : 8;
    static constexpr int shared_bytes = stages * stage_bytes + stages * 16;
    static_assert(shared_bytes <= 227 * 1024);
};

struct PanelBarriers {
    uint64_t* filled;
    uint64_t* read;
};

template <int tokens>
__device__ __forceinline__ void fill_panels(const W4A16Arguments& p, uint8_t* shared,
                                            const PanelBarriers& barriers, int m0, int n0, int first,
                                            int last) {
    using Shape = W4A16HopperShape<tokens>;
    const int row_tiles = (p.n + 15) / 16;
    const size_t panels = static_cast<size_t>(panel_count(p)), panel_bytes = half_panel_bytes(p.panel_rows);
    for (int panel = first; panel < last; ++panel) {
        const int round = panel - first, stage = round % Shape::stages;
        if (round >= Shape::stages) barrier_wait(barriers.read + stage, (round / Shape::stages - 1) & 1);
        uint64_t* filled = barriers.filled + stage;
        uint8_t* to = shared + stage * Shape::stage_bytes;
        barrier_expect(filled, Shape::x_bytes + Shape::w_bytes);
        bulk_copy(to, p.x + panel * panel_bytes + static_cast<size_t>(m0) * 128, Shape::x_bytes, filled);
        for (int i = 0; i < 8; ++i) {
            const int row_tile = n0 / 16 + i < row_tiles ? n0 / 16 + i : row_tiles - 1;
            bulk_copy(to + Shape::x_bytes + i * weight_tile_bytes,
                      p.w_codes + (row_tile * panels + panel) * weight_tile_bytes, weight_tile_bytes, filled);
        }
    }
}

// The four products of one panel: one group of instructions for each 16 columns, two groups in flight.
template <BlockFormat format, int tokens>
__device__ __forceinline__ void multiply_panel(
    float (&sums)[W4A16HopperShape<tokens>::products][W4A16HopperShape<tokens>::sums], uint64_t b,
    uint4 words, uint32_t scale_word, const int (&biases)[2]) {
    using Shape = W4A16HopperShape<tokens>;
#pragma unroll
    for (int run = 0; run < 2; ++run) {
        const uint32_t row = run == 0 ? words.x : words.z, row8 = run == 0 ? words.y : words.w;
        const uint32_t scale = scale_pair<format>(scale_word, 2 * run, biases[0]);
        const uint32_t scale8 = scale_pair<format>(scale_word, 2 * run + 1, biases[1]);
#pragma unroll
        for (int q = 0; q < 2; ++q) {
            uint32_t a[4];
            if (q == 0)
                weight_operand<0>(a, row, row8, scale, scale8);
            else
                weight_operand<1>(a, row, row8, scale, scale8);
            wgmma_fence();
#pragma unroll
            for (int i = 0; i < Shape::products; ++i)
                wgmma_f16(sums[i], a, b + (2 * run + q) * 2 + i * (Shape::product_tokens * 128 / 16));
            wgmma_commit();
            wgmma_wait<1>();
        }
    }
}

template <BlockFormat format, int tokens>
__device__ __forceinline__ void w4a16_hopper_block(const W4A16Arguments& p) {
    using Shape = W4A16HopperShape<tokens>;
    uint8_t* shared = shared_memory();
    const PanelBarriers barriers{
        reinterpret_cast<uint64_t*>(shared + Shape::stages * Shape::stage_bytes),
        reinterpret_cast<uint64_t*>(shared + Shape::stages * Shape::stage_bytes) + Shape::stages};
    const int thread = static_cast<int>(threadIdx.x), lane = thread & 31, warp = thread / 32;
    const int m0 = static_cast<int>(blockIdx.x) * tokens, n0 = static_cast<int>(blockIdx.y) * 128;
    const int split = static_cast<int>(blockIdx.z), first = split * p.split_panels;
    const int last = first + p.split_panels < panel_count(p) ? first + p.split_panels : panel_count(p);

    if (thread == 0) {
        for (int i = 0; i < Shape::stages; ++i) {
            barrier_init(barriers.filled + i, 1);
            barrier_init(barriers.read + i, Shape::consumers / 32);
        }
        barrier_init_fence();
    }
    __syncthreads();

    if (warp == Shape::consumers / 32) {
        if (lane == 0) fill_panels<tokens>(p, shared, barriers, m0, n0, first, last);
        return;
    }
    const int row_tiles = (p.n + 15) / 16, g = lane >> 2, t = lane & 3, row = n0 + warp * 16 + g;
    const int row_tile = n0 / 16 + warp < row_tiles ? n0 / 16 + warp : row_tiles - 1;
    const int biases[2] = {row_or_last(p, row).exponent_bias, row_or_last(p, row + 8).exponent_bias};
    float sums[Shape::products][Shape::sums] = {};
    uint4 scales, next_scales = load_weight_scales<format>(p, row_tile, first / 4, lane);
    for (int panel = first; panel < last; ++panel) {
        if (panel % 4 == 0) {
            scales = next_scales;
            if (panel + 4 < last) next_scales = load_weight_scales<format>(p, row_tile, panel / 4 + 1, lane);
        }
        const int round = panel - first, stage = round % Shape::stages;
        barrier_wait(barriers.filled + stage, round / Shape::stages & 1);
        const uint8_t* x = shared + stage * Shape::stage_bytes;
        const uint4 words = *reinterpret_cast<const uint4*>(x + Shape::x_bytes + warp * 512 + lane * 16);
        // The wait inside leaves at most this panel's last group: the panel before is read.
        multiply_panel<format, tokens>(sums, swizzled_descriptor(x), words, word_of(scales, panel & 3),
                                       biases);
        if (round > 0 && lane == 0) barrier_arrive(barriers.read + (round - 1) % Shape::stages);
    }
    wgmma_wait<0>();
#pragma unroll
    for (int i = 0; i < Shape::products; ++i) keep_in_place(sums[i]);

    const W4Row lower = row_or_last(p, row), upper = row_or_last(p, row + 8);
#pragma unroll
    for (int i = 0; i < Shape::products; ++i) {
#pragma unroll
        for (int j = 0; j < Shape::sums / 4; ++j) {
#pragma unroll
            for (int e = 0; e < 2; ++e) {
                const int token = m0 + i * Shape::product_tokens + 8 * j + 2 * t + e;
                const float x_scale = token_scale(p, token);
                store_sum(p, split, token, row, sums[i][4 * j + e], lower, x_scale);
                store_sum(p, split, token, row + 8, sums[i][4 * j + 2 + e], upper, x_scale);
            }
        }
    }
}

} // namespace fp4::cuda
