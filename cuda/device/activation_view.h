// Linear inputs as kernels see them.
//
//   values       f32 [rows, pitch], what the input stands for; zero from cols on.
//   parts        f16, the operand B of mma.m16n8k16 for four tokens at a time, two columns a token (high and
//   low part
//                of a value): [rows / 4][padded / 32][column 0..7 of the tile][t 0..3][8 values]; the 8
//                values are those of columns 8 t .. 8 t + 7 in the order 0 4 1 5 2 6 3 7, as nibbles come out
//                of a word of weights (weight_view.h).
//   part_scales  f32, one for 32 columns of a token: [rows / 4][padded / 256][token 0..3][8]
//   operand      what the matrix products read (gemm/fp4_layout.h).
//
// A value is (high + low) x part_scale. Up to few_tokens rows are stored as parts, more as an operand:
// in_operand says which.
#pragma once

#include <cuda_fp16.h>

#include "cuda/device/weight_view.h"
#include "cuda/gemm/operand_view.h"

namespace fp4::cuda {

// Up to here products take both parts of unrounded inputs, 22 bits; with more tokens the high part alone, 11
// bits.
inline constexpr uint32_t part_tokens = 4;
// Up to here the mat-vec is faster than the matrix product.
inline constexpr uint32_t few_tokens = 16;
static_assert(few_tokens >= Backend::short_rows); // the values of so many are kept

// A row that is still to be multiplied by 1 / sqrt(mean of the squares + epsilon), of one token's decode
// step: whoever multiplies it with a weight does that (kernels/matvec_next.h).
inline constexpr uint32_t square_columns = 32;
inline constexpr uint32_t most_squares = 512;
struct RowNorm {
    const float* squares =
        nullptr; // [cols / square_columns], each of so many columns; null: nothing is to be done
    float epsilon = 0.0f;
};

struct ActivationView {
    float* values = nullptr;
    __half* parts = nullptr;
    float* part_scales = nullptr;
    uint32_t* row_amax = nullptr; // bits of each row's largest magnitude, for the second pass
    uint32_t cols = 0;
    // What the rows were rounded to, and by which rule.
    ActivationFormat::Kind kind = ActivationFormat::Kind::a16;
    ScaleRule rule = ScaleRule::even;
    bool in_operand = false;
    // What readers other than those that an operand serves need: values beside an operand, for plain weights;
    // half panels beside E4M3 ones, for weights that do not fold.
    bool keeps_values = true, keeps_half = true;
    RowNorm norm; // of row 0
    GemmOperand operand;

    __host__ __device__ uint32_t pitch() const {
        return (cols + run_columns - 1) / run_columns * run_columns;
    }
    __host__ __device__ uint32_t padded() const {
        return (cols + chunk_columns - 1) / chunk_columns * chunk_columns;
    }
};

// Of the high part of columns column .. column + 3 (their half of eight values); the low part is 32 further
// on.
__host__ __device__ constexpr size_t part_place(uint32_t padded, uint32_t row, uint32_t column) {
    const size_t group = size_t(row / part_tokens) * (padded / 32) + column / 32;
    return group * 256 + row % part_tokens * 64 + column / 8 % 4 * 8 + column / 4 % 2 * 4;
}
__host__ __device__ constexpr size_t part_scale_place(uint32_t padded, uint32_t row, uint32_t column) {
    const size_t chunk = size_t(row / part_tokens) * (padded / chunk_columns) + column / chunk_columns;
    return chunk * 32 + row % part_tokens * 8 + column / 32 % 8;
}

struct TransformView {
    InputTransform::Kind kind = InputTransform::Kind::identity;
    uint32_t block = 0;
    const float* channel_scale = nullptr; // [cols] or null
    const float* matrix = nullptr;        // [1 or cols / block, block, block]
    uint32_t matrix_stride = 0; // from the matrix of a block to the next one's: 0 where all share one
};

struct RoundingView {
    TransformView transform;
    ActivationFormat::Kind kind = ActivationFormat::Kind::a16;
    ScaleRule rule = ScaleRule::even;
    float tensor_scale = 1.0f; // 0: each token's own, from its largest magnitude
    __host__ __device__ bool needs_row_amax() const { return tensor_scale == 0.0f; }
};

// Rows that one block can hold in registers (device/whole_row.h): it rounds them itself.
inline constexpr uint32_t whole_row_columns = 16384;
inline bool fits_whole_rows(const ActivationView& out) {
    return out.in_operand && out.pitch() <= whole_row_columns;
}

// Once the rows' largest magnitudes are known (kernels/round.h).
__host__ __device__ inline bool needs_second_pass(const RoundingView& rounding, const ActivationView& out) {
    return rounding.needs_row_amax() || out.in_operand;
}

} // namespace fp4::cuda
