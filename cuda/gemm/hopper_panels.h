// Panels of both operands on their way into shared memory, for the kernels of Hopper: a block makes 128
// weight rows x `tokens` tokens; two warpgroups have 64 rows each, and a third has one thread that keeps bulk
// copies going.
#pragma once

#include "cuda/gemm/hopper.h"
#include "cuda/gemm/w4a16_kernel.h"

namespace fp4::cuda {

// A panel: 128 bytes of each token, and `tiles` weight tiles of 64 columns for each of eight row tiles.
template <int tokens_, int tiles_>
struct HopperPanels {
    static constexpr int tokens = tokens_, tiles = tiles_;
    static constexpr int consumers = 256, threads = consumers + 128;
    static constexpr int product_tokens = tokens < 128 ? tokens : 128; // of one instruction
    static constexpr int products = tokens / product_tokens;
    static constexpr int sums = product_tokens / 2; // of a thread and product
    static constexpr int x_bytes = tokens * 128;
    static constexpr int row_tile_bytes = tiles * weight_tile_bytes;
    static constexpr int stage_bytes = (x_bytes + 8 * row_tile_bytes + 1023) / 1024 * 1024;
    static constexpr int stages = tokens == 256 ? 5 : 8;
    static constexpr int shared_bytes = stages * stage_bytes + stages * 16;
    static_assert(shared_bytes <= 226 * 1024);
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

// A block's share.
struct HopperWork {
    uint8_t* shared;
    PanelBarriers barriers;
    int m0, n0, first, last; // first token and weight row of the block, its panels
};

template <class Panels>
__device__ __forceinline__ void fill_panels(const W4A16Arguments& p, const W4A16Weights& w,
                                            const HopperWork& work) {
    const auto& [shared, barriers, m0, n0, first, last] = work;
    const int row_tiles = (w.n + 15) / 16, row_panels = panel_count(p);
    const size_t panel_bytes = p.panel_rows * 128;
    Ring<Panels::stages> ring;
    for (int panel = first; panel < last; ++panel) {
        // The first round passes at once: a new barrier counts as one whose odd phase is over.
        barrier_wait(barriers.read + ring.stage, ring.parity ^ 1);
        uint64_t* filled = barriers.filled + ring.stage;
        uint8_t* to = shared + ring.stage * Panels::stage_bytes;
        // A last tile that is not there stays as it was: inputs and scales are zero there.
        const int tile = panel * Panels::tiles,
                  tiles = tile + Panels::tiles <= row_panels ? Panels::tiles : row_panels - tile;
        const uint32_t bytes = static_cast<uint32_t>(tiles) * weight_tile_bytes;
        barrier_expect(filled, Panels::x_bytes + 8 * bytes);
        bulk_copy(to, p.x + panel * panel_bytes + static_cast<size_t>(m0) * 128, Panels::x_bytes, filled);
        for (int i = 0; i < 8; ++i) {
            const int row_tile = n0 / 16 + i < row_tiles ? n0 / 16 + i : row_tiles - 1;
            bulk_copy(to + Panels::x_bytes + i * Panels::row_tile_bytes,
                      w.codes + (static_cast<size_t>(row_tile) * row_panels + tile) * weight_tile_bytes,
                      bytes, filled);
        }
        ring.advance();
    }
}

// The whole block. multiply(weights, work): by the two warpgroups.
template <class Panels, class Multiply>
__device__ __forceinline__ void run_hopper_block(const W4A16Arguments& p, Multiply&& multiply) {
    HopperWork work;
    work.shared = shared_memory();
    uint64_t* first_barrier = reinterpret_cast<uint64_t*>(work.shared + Panels::stages * Panels::stage_bytes);
    work.barriers = {first_barrier, first_barrier + Panels::stages};
    const W4A16Weights& w = weights_of_block(p, work.n0);
    work.m0 = static_cast<int>(blockIdx.x) * Panels::tokens;
    const int first = static_cast<int>(blockIdx.z) * p.split_panels;
    const int last = first + p.split_panels < panel_count(p) ? first + p.split_panels : panel_count(p);
    work.first = first / Panels::tiles;
    work.last = (last + Panels::tiles - 1) / Panels::tiles;
    if (threadIdx.x == 0) {
        for (int i = 0; i < Panels::stages; ++i) {
            barrier_init(work.barriers.filled + i, 1);
            barrier_init(work.barriers.read + i, Panels::consumers / 32);
        }
        barrier_init_fence();
    }
    __syncthreads();
    if (threadIdx.x >= Panels::consumers) {
        give_registers<24>();
        if (threadIdx.x == Panels::consumers) fill_panels<Panels>(p, w, work);
    } else {
        take_registers<240>();
        multiply(w, work);
    }
}

// A thread's sums, times `unit`, to the output or the sums of a split. row: the first of its two.
template <class Panels>
__device__ __forceinline__ void store_sums(const W4A16Arguments& p, const W4A16Weights& w,
                                           const HopperWork& work, int row, float unit,
                                           const float (&sums)[Panels::products][Panels::sums]) {
    const int t = static_cast<int>(threadIdx.x) & 3;
    float* out = split_output(p, w, static_cast<int>(blockIdx.z));
    const OutputRows rows = output_rows(p, w, row);
    store_block(w, work.m0 + Panels::tokens <= p.m && work.n0 + 128 <= w.n, [&](auto whole, auto accumulate) {
#pragma unroll
        for (int i = 0; i < Panels::products; ++i)
#pragma unroll
            for (int j = 0; j < Panels::sums / 4; j += stored_tiles)
                store_tiles<whole()>(p, w.n, out, work.m0 + i * Panels::product_tokens + 8 * j + 2 * t, rows,
                                     reinterpret_cast<const float(&)[stored_tiles][4]>(sums[i][4 * j]), unit,
                                     accumulate);
    });
}

} // namespace fp4::cuda
