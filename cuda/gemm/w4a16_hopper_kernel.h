// W4A16 on Hopper: weights become fp16 in registers and are operand A of warpgroup products; operand B, the
// tokens, is read from shared memory, where bulk copies bring panels of 64 columns. A block makes 128 weight
// rows x `tokens` tokens: two warpgroups with 64 rows each, and a third with one thread that keeps the copies
// going.
#pragma once

#include "cuda/gemm/hopper.h"
#include "cuda/gemm/w4a16_kernel.h"

namespace fp4::cuda {

template <int tokens>
struct W4A16HopperShape {
    static constexpr int consumers = 256, threads = consumers + 128;
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

// Goes round the stages; the parity changes with every round.
template <int stages>
struct Ring {
    int stage = 0;
    uint32_t parity = 0;
    __device__ __forceinline__ void advance() {
        if (++stage == stages) {
            stage = 0;
            parity ^= 1;
        }
    }
};

template <int tokens>
__device__ __forceinline__ void fill_panels(const W4A16Arguments& p, const W4A16Weights& w, uint8_t* shared,
                                            const PanelBarriers& barriers, int m0, int n0, int first,
                                            int last) {
    using Shape = W4A16HopperShape<tokens>;
    const int row_tiles = (w.n + 15) / 16;
    const size_t panels = static_cast<size_t>(panel_count(p)), panel_bytes = half_panel_bytes(p.panel_rows);
    Ring<Shape::stages> ring;
    for (int panel = first; panel < last; ++panel) {
        // The first round passes at once: a new barrier counts as one whose odd phase is over.
        barrier_wait(barriers.read + ring.stage, ring.parity ^ 1);
        uint64_t* filled = barriers.filled + ring.stage;
        uint8_t* to = shared + ring.stage * Shape::stage_bytes;
        barrier_expect(filled, Shape::x_bytes + Shape::w_bytes);
        bulk_copy(to, p.x + panel * panel_bytes + static_cast<size_t>(m0) * 128, Shape::x_bytes, filled);
        for (int i = 0; i < 8; ++i) {
            const int row_tile = n0 / 16 + i < row_tiles ? n0 / 16 + i : row_tiles - 1;
            bulk_copy(to + Shape::x_bytes + i * weight_tile_bytes,
                      w.codes + (row_tile * panels + panel) * weight_tile_bytes, weight_tile_bytes, filled);
        }
        ring.advance();
    }
}

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
    float (&sums)[W4A16HopperShape<tokens>::products][W4A16HopperShape<tokens>::sums],
    const uint32_t (&a)[4][4], uint64_t b) {
    using Shape = W4A16HopperShape<tokens>;
    wgmma_fence();
#pragma unroll
    for (int step = 0; step < 4; ++step)
#pragma unroll
        for (int i = 0; i < Shape::products; ++i)
            wgmma_f16(sums[i], a[step], b + step * 2 + i * (Shape::product_tokens * 128 / 16));
    wgmma_commit();
}

// Two warpgroups' share of a block: panels first .. last - 1.
template <BlockFormat format, int tokens>
__device__ __forceinline__ void multiply_panels(const W4A16Arguments& p, const W4A16Weights& w,
                                                uint8_t* shared, const PanelBarriers& barriers, int m0,
                                                int n0, int first, int last) {
    using Shape = W4A16HopperShape<tokens>;
    const int thread = static_cast<int>(threadIdx.x), lane = thread & 31, warp = thread / 32;
    const int row_tiles = (w.n + 15) / 16, g = lane >> 2, t = lane & 3, row = n0 + warp * 16 + g;
    const int row_tile = n0 / 16 + warp < row_tiles ? n0 / 16 + warp : row_tiles - 1;
    const int biases[2] = {exponent_bias(w, row), exponent_bias(w, row + 8)};
    const uint8_t* words = shared + Shape::x_bytes + warp * 512 + lane * 16;
    float sums[Shape::products][Shape::sums] = {};
    uint32_t a[4][4], next_a[4][4];
    uint4 scales{}, next_scales = load_weight_scales<format>(p, w, row_tile, first / 4, lane);
    Ring<Shape::stages> ring;
    // Weights of a panel, as soon as it is there.
    auto prepare = [&](uint32_t(&operand)[4][4], int panel) {
        if (panel % 4 == 0) {
            scales = next_scales;
            if (panel + 4 < last)
                next_scales = load_weight_scales<format>(p, w, row_tile, panel / 4 + 1, lane);
        }
        barrier_wait(barriers.filled + ring.stage, ring.parity);
        panel_operand<format>(operand,
                              *reinterpret_cast<const uint4*>(words + ring.stage * Shape::stage_bytes),
                              scales.x, biases);
        scales = {scales.y, scales.z, scales.w, 0};
    };
    // Products of a panel with operand `now`, while operand `after` of the next one is made.
    auto multiply = [&](const uint32_t(&now)[4][4], uint32_t(&after)[4][4], int panel) {
        const int stage = ring.stage;
        start_panel<tokens>(sums, now, swizzled_descriptor(shared + stage * Shape::stage_bytes));
        ring.advance();
        if (panel + 1 < last) prepare(after, panel + 1);
        wgmma_wait_for(now, static_cast<uint32_t>(p.m), shared);
        if (lane == 0) barrier_arrive(barriers.read + stage);
    };
    prepare(a, first);
    for (int panel = first; panel < last; panel += 2) {
        multiply(a, next_a, panel);
        if (panel + 1 < last) multiply(next_a, a, panel + 1);
    }
#pragma unroll
    for (int i = 0; i < Shape::products; ++i) keep_in_place(sums[i]);

    float* out = split_output(p, w, static_cast<int>(blockIdx.z));
    const OutputRows rows = output_rows(p, w, row);
    store_block(w, m0 + tokens <= p.m && n0 + 128 <= w.n, [&](auto whole, auto accumulate) {
#pragma unroll
        for (int i = 0; i < Shape::products; ++i)
#pragma unroll
            for (int j = 0; j < Shape::sums / 4; ++j)
#pragma unroll
                for (int e = 0; e < 2; ++e)
                    store_pair<whole()>(p, w.n, out, m0 + i * Shape::product_tokens + 8 * j + 2 * t + e, rows,
                                        sums[i][4 * j + e], sums[i][4 * j + 2 + e], accumulate);
    });
}

template <BlockFormat format, int tokens>
__device__ __forceinline__ void w4a16_hopper_block(const W4A16Arguments& p) {
    using Shape = W4A16HopperShape<tokens>;
    uint8_t* shared = shared_memory();
    uint64_t* first_barrier = reinterpret_cast<uint64_t*>(shared + Shape::stages * Shape::stage_bytes);
    const PanelBarriers barriers{first_barrier, first_barrier + Shape::stages};
    int n0;
    const W4A16Weights& w = weights_of_block(p, n0);
    const int m0 = static_cast<int>(blockIdx.x) * tokens;
    const int first = static_cast<int>(blockIdx.z) * p.split_panels;
    const int last = first + p.split_panels < panel_count(p) ? first + p.split_panels : panel_count(p);
    if (threadIdx.x == 0) {
        for (int i = 0; i < Shape::stages; ++i) {
            barrier_init(barriers.filled + i, 1);
            barrier_init(barriers.read + i, Shape::consumers / 32);
        }
        barrier_init_fence();
    }
    __syncthreads();
    if (threadIdx.x >= Shape::consumers) {
        give_registers<24>();
        if (threadIdx.x == Shape::consumers) fill_panels<tokens>(p, w, shared, barriers, m0, n0, first, last);
    } else {
        take_registers<240>();
        multiply_panels<format, tokens>(p, w, shared, barriers, m0, n0, first, last);
    }
}

} // namespace fp4::cuda
