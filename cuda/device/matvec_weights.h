// The weights of a mat-vec on their way to registers: chunks of 16 rows x 256 columns.
#pragma once

#include "cuda/device/fragments.h"
#include "cuda/kernels/matvec.h"

namespace fp4::cuda {

// What a lane holds of 16 rows x 256 columns.
struct Chunk {
    uint4 codes[4]; // one for 64 columns
    uint4 scales;   // two bytes for 32 columns: rows g and g + 8
};

// What a product reads of a packed weight.
struct PackedRows {
    const uint8_t* codes;
    const uint8_t* scales;
    uint32_t rows;
};
__device__ inline PackedRows packed_rows(const WeightView& weight) {
    return {weight.codes, weight.scales, weight.rows};
}

struct Tiles { // 16 rows of a weight
    const uint4* codes;
    const uint4* scales;
    uint32_t chunks; // along the columns
};

template <bool nv>
__device__ Tiles tiles_of(const PackedRows& weight, uint32_t cols, uint32_t row_tile) {
    Tiles tiles;
    const uint32_t of_row = (cols + tile_columns - 1) / tile_columns;
    tiles.chunks = (cols + chunk_columns - 1) / chunk_columns;
    const uint32_t lane = threadIdx.x % 32;
    tiles.codes = reinterpret_cast<const uint4*>(weight.codes) + size_t(row_tile) * of_row * 32 + lane;
    tiles.scales = reinterpret_cast<const uint4*>(weight.scales) +
                   size_t(row_tile) * tiles.chunks * (nv ? 16 : 8) + (nv ? lane / 2 : lane / 4);
    return tiles;
}

__device__ inline const uint4* chunk_codes(const Tiles& tiles, uint32_t chunk) {
    return tiles.codes + chunk * 128;
}
template <bool nv>
__device__ const uint4* chunk_scales(const Tiles& tiles, uint32_t chunk) {
    return tiles.scales + chunk * (nv ? 16 : 8);
}

// The last chunk may be a part of one: then codes of other rows, or code_overrun(), come with it, which meet
// zeros of the input.
template <bool nv>
__device__ void load_chunk(const Tiles& tiles, uint32_t chunk, Chunk& result) {
    const uint4* codes = chunk_codes(tiles, chunk);
    for (uint32_t i = 0; i < 4; ++i) result.codes[i] = load_once(codes + i * 32);
    result.scales = load_once(chunk_scales<nv>(tiles, chunk));
}

// A chunk in registers as multiply_one() reads it. Halves that are multiplied make room for those of a later
// chunk at once: what is under way at any time grows by half a chunk without a register more.
// by_halves: else both are loaded together, at the end.
template <bool by_halves>
struct ChunkWeights {
    Chunk& chunk;
    const uint4 *later_codes, *later_scales;
    bool reload; // there is a later chunk
    bool never;  // false, which the compiler cannot know
    __device__ void half_done(uint32_t half) const {
        if (reload && (by_halves || half == 1)) {
            for (uint32_t i = by_halves ? 2 * half : 0; i < 2 * half + 2; ++i)
                chunk.codes[i] = load_once(later_codes + i * 32);
            if (half == 1) chunk.scales = load_once(later_scales);
        }
        // Where a jump might be, the assembler does not move the loads behind the other half.
        if (by_halves && half == 0 && never) __trap();
    }
    __device__ const uint4& codes(uint32_t tile) const { return chunk.codes[tile]; }
    __device__ const uint4& nv_scales() const { return chunk.scales; }
    __device__ uint32_t mx_scales(uint32_t run) const { // run % 4 is the lane's t
        const uint32_t t = threadIdx.x % 4;
        const uint32_t word =
            run < 4 ? (t < 2 ? chunk.scales.x : chunk.scales.y) : (t < 2 ? chunk.scales.z : chunk.scales.w);
        return t % 2 == 0 ? word : word >> 16;
    }
};

// The weight of this block's rows. By comparisons: an index into the arguments would wait for them one after
// the other.
struct BlockTarget {
    uint32_t index = 0, first_group = 0;
    PackedRows weight;
};
__device__ inline BlockTarget block_target(const MatvecView& view) {
    BlockTarget own{0, 0, packed_rows(view.targets[0].weight)};
#pragma unroll
    for (uint32_t i = 1; i < matvec_targets; ++i)
        if (blockIdx.x >= view.first_group[i])
            own = {i, view.first_group[i], packed_rows(view.targets[i].weight)};
    return own;
}

} // namespace fp4::cuda
