// A weight as kernels see it, and where its elements lie.
//
// Two layouts:
//   plain   rows in the layout of block_format.h, each padded with zeros to whole runs of 128 columns.
//   packed  MXFP4 and NVFP4 for tensor cores: tiles of 16 rows x 64 columns, 512 bytes each, in which lane l
//   of a
//           warp (g = l / 4, t = l % 4) finds its 16 bytes at 16 l: four words r = 0..3 of eight nibbles i,
//           where row = g + 8 (r & 1) and column = 8 t + i + 32 (r >> 1). This is operand A of mma.m16n8k64
//           (PTX ISA, 9.7.14.5.14), and with the columns of each 32 permuted alike on both sides that of
//           m16n8k16 twice. Tiles: [rows / 16][cols / 64]. Scales: [rows / 16][cols / 256][g][16 or 32
//           bytes], for each run of 32 columns (j = 0..7) the bytes of rows g and g + 8; NVFP4 has the blocks
//           of t < 2 first, then those of t >= 2, so that a lane loads 16 bytes in either format.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libfp4/base/checked.h"
#include "libfp4/engine/backend.h"

namespace fp4::cuda {

inline constexpr uint32_t run_columns = 128; // a warp's share of a row, four values a lane
inline constexpr uint32_t tile_rows = 16;
inline constexpr uint32_t tile_columns = 64;
inline constexpr uint32_t tile_bytes = tile_rows * tile_columns / 2;
inline constexpr uint32_t chunk_columns = 256; // what one load of scales covers

// Bytes behind the codes of a packed weight that may be read: mat-vecs take whole chunks.
constexpr uint64_t code_overrun(uint64_t cols) {
    return (round_up(cols, chunk_columns) - round_up(cols, tile_columns)) * tile_rows / 2;
}

struct W4Row; // of gemm/w4a16_kernel.h

struct WeightView {
    WeightFormat format = WeightFormat::f32;
    bool packed = false;
    bool folds = false; // packed MXFP4: exact in E4M3 with its scales folded in (gemm/e4m3_fold.h)
    uint32_t rows = 0;
    uint32_t cols = 0;
    const uint8_t* codes = nullptr;
    const uint8_t* scales = nullptr;
    const W4Row* row_factors = nullptr; // packed: [rows], for the matrix products
    float tensor_scale = 1.0f;
    uint32_t row_bytes = 0;  // plain: of codes or values, padded
    uint32_t row_scales = 0; // plain: padded
};

struct PackedPlace {
    size_t byte;  // of the codes
    int shift;    // of the nibble: 0 or 4
    size_t scale; // byte of the scales
};

constexpr PackedPlace packed_place(const WeightView& weight, uint32_t row, uint32_t column) {
    const size_t tiles = (weight.cols + tile_columns - 1) / tile_columns;
    const size_t chunks = (weight.cols + chunk_columns - 1) / chunk_columns;
    const uint32_t upper = row / 8 % 2, g = row % 8; // upper: rows 8..15
    const uint32_t half = column / 32 % 2, t = column / 8 % 4, i = column % 8;
    const size_t tile = row / tile_rows * tiles + column / tile_columns;
    const size_t chunk = row / tile_rows * chunks + column / chunk_columns;
    const bool nv = weight.format == WeightFormat::nvfp4;
    const size_t lane_scales = chunk * (nv ? 256 : 128) + g * (nv ? 32 : 16) + (nv ? t / 2 * 16 : 0);
    return {tile * tile_bytes + (4 * g + t) * 16 + (2 * half + upper) * 4 + i / 2,
            static_cast<int>(i % 2 * 4), lane_scales + column / 32 % 8 * 2 + upper};
}

} // namespace fp4::cuda
