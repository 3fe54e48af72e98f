// How the matrix kernels want their operands in device memory.
//
// Weights [n, k], MXFP4 or NVFP4: tiles of 16 rows x 64 columns, 512 bytes each, [n / 16][k / 64], padded
// with zeros. Lane l of a warp (g = l / 4, t = l % 4) has the 16 bytes at 16 l: four words r of eight nibbles
// i,
//   row = g + 8 (r & 1), column = 8t + i + 32 (r >> 1),
// which is operand A of mma.m16n8k64. Scales [n / 16][k / 256][g][16 or 32 bytes], padded with zeros: for
// each run of 32 columns the bytes of rows g and g + 8; NVFP4: first of the blocks of t < 2, then of t >= 2.
//
// Activations [m, k] in the same formats:
//   codes   [m][padded_cols(k) / 2]: rows as in block_format.h, padded with zero codes to a multiple of 128
//   scales  [row tiles of 128][k tiles of 128][128 rows][4 (MXFP4) or 8 (NVFP4) bytes], padded with zeros
//
// MXFP8 (E4M3) activations for MXFP4 weights: codes [m][padded_cols(k)], one byte each, in runs of 32 first
// the even, then the odd columns, as nibbles split into bytes; scales as of MXFP4.
//
// Half-precision activations of the W4A16 kernels: panels of 64 columns, [padded_cols(k) /
// 64][panel_rows][64], panel_rows >= m and a multiple of 256. Columns are permuted inside runs of 32
// (half_slot), so that the nibbles of a weight word come out in operand order; the eight 16-byte chunks of a
// row are permuted by its row number (half_offset), so that a panel in shared memory is free of bank
// conflicts.
//
// E4M3 activations of Hopper's W4A8 kernel, with one scale a row: panels of 128 columns, [padded_cols(k) /
// 128][panel_rows][128], permuted to the same ends (e4m3_slot, e4m3_panel_offset).
#pragma once

#include <cstddef>
#include <cstdint>

#include "libfp4/base/checked.h"
#include "libfp4/format/block_format.h"

namespace fp4::cuda {

inline constexpr size_t weight_tile_bytes = 512;
inline constexpr int gemm_weights = 4; // that one launch multiplies, at most

// Scale bytes of 16 rows x 256 columns.
constexpr size_t weight_scale_chunk(BlockFormat format) {
    return format == BlockFormat::nvfp4 ? 256 : 128;
}
constexpr size_t weight_code_bytes(size_t n, size_t k) {
    return (n + 15) / 16 * ((k + 63) / 64) * weight_tile_bytes;
}
constexpr size_t weight_scale_bytes(BlockFormat format, size_t n, size_t k) {
    return (n + 15) / 16 * ((k + 255) / 256) * weight_scale_chunk(format);
}
// Byte of a code; column % 2 says which nibble.
constexpr size_t weight_code_offset(size_t k, size_t row, size_t column) {
    const size_t lane = row % 8 * 4 + column / 8 % 4, word = column / 32 % 2 * 2 + row / 8 % 2;
    const size_t place = row / 16 * ((k + 63) / 64) + column / 64;
    return place * weight_tile_bytes + lane * 16 + word * 4 + column % 8 / 2;
}
constexpr size_t weight_scale_offset(BlockFormat format, size_t k, size_t row, size_t column) {
    const size_t chunk = row / 16 * ((k + 255) / 256) + column / 256;
    const size_t in_row = column / 32 % 8 * 2 + row / 8 % 2;
    const size_t lane = format == BlockFormat::nvfp4 ? row % 8 * 32 + column / 16 % 2 * 16 : row % 8 * 16;
    return chunk * weight_scale_chunk(format) + lane + in_row;
}

inline constexpr size_t tile = 128;

constexpr size_t padded_cols(size_t k) {
    return round_up(k, tile);
}
constexpr size_t code_row_bytes(BlockFormat format, size_t k) {
    return format == BlockFormat::mxfp8_e4m3 ? padded_cols(k) : padded_cols(k) / 2;
}
// Byte of an E4M3 code in its row.
constexpr size_t e4m3_offset(size_t column) {
    return column / 32 * 32 + column % 2 * 16 + column % 32 / 2;
}
// Scale bytes of one activation row in one k tile.
constexpr size_t tile_scales(BlockFormat format) {
    return format == BlockFormat::nvfp4 ? 8 : 4;
}
constexpr size_t scale_bytes(BlockFormat format, size_t m, size_t k) {
    return round_up(m, tile) * (padded_cols(k) / tile) * tile_scales(format);
}
constexpr size_t scale_offset(BlockFormat format, size_t k, size_t row, size_t block) {
    const size_t per_tile = tile_scales(format), k_tiles = padded_cols(k) / tile;
    return ((row / tile * k_tiles + block / per_tile) * tile + row % tile) * per_tile + block % per_tile;
}

inline constexpr size_t panel_cols = 64;
inline constexpr size_t panel_row_step = 256;

constexpr size_t half_panel_bytes(size_t panel_rows) {
    return panel_rows * panel_cols * 2;
}
constexpr size_t half_bytes(size_t panel_rows, size_t k) {
    return padded_cols(k) / panel_cols * half_panel_bytes(panel_rows);
}
// Slot of a column in its run of 32: nibbles i and i + 4 of the word of lane t are one pair; pairs 0, 1 and
// pairs 2, 3 are the two halves of an m16n8k16 step.
constexpr size_t half_slot(size_t column) {
    const size_t t = column / 8 % 4, i = column % 8;
    return 16 * (i % 4 / 2) + 8 * (i % 2) + 2 * t + i / 4;
}
// Byte of element (row, column).
constexpr size_t half_offset(size_t panel_rows, size_t row, size_t column) {
    const size_t slot = column / 32 % 2 * 32 + half_slot(column);
    const size_t chunk = (slot / 8) ^ (row % 8);
    return column / panel_cols * half_panel_bytes(panel_rows) + row * 128 + chunk * 16 + slot % 8 * 2;
}

inline constexpr size_t e4m3_panel_cols = 128;

constexpr size_t e4m3_panel_bytes(size_t panel_rows) {
    return panel_rows * e4m3_panel_cols;
}
constexpr size_t e4m3_bytes(size_t panel_rows, size_t k) {
    return padded_cols(k) / e4m3_panel_cols * e4m3_panel_bytes(panel_rows);
}
// Slot of a column in its run of 32: operand A of 32 columns takes the four low nibbles of the word of lane t
// in columns 4 t .. 4 t + 3, the four high ones in 16 columns further.
constexpr size_t e4m3_slot(size_t column) {
    return column % 8 / 4 * 16 + column / 8 % 4 * 4 + column % 4;
}
// Byte of element (row, column).
constexpr size_t e4m3_panel_offset(size_t panel_rows, size_t row, size_t column) {
    const size_t slot = column / 32 % 4 * 32 + e4m3_slot(column);
    const size_t chunk = (slot / 16) ^ (row % 8);
    return column / e4m3_panel_cols * e4m3_panel_bytes(panel_rows) + row * 128 + chunk * 16 + slot % 16;
}

} // namespace fp4::cuda
