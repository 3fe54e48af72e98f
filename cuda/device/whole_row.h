// A row in the registers of a block: its largest magnitude is known before it is rounded, without a second
// pass over memory. Rows of up to whole_row_columns.
#pragma once

#include "cuda/device/row_output.h"

namespace fp4::cuda {

inline constexpr uint32_t whole_row_runs = 4;                                           // of a warp
inline constexpr uint32_t whole_row_threads = whole_row_columns / (4 * whole_row_runs); // at most
using WholeRow = float[whole_row_runs][4];

// Threads of a block: so few that several blocks share a multiprocessor where rows are short.
inline uint32_t threads_of_row(const ActivationView& out) {
    const uint32_t warps = (out.pitch() / run_columns + whole_row_runs - 1) / whole_row_runs;
    return warps * 32;
}

// First column of a thread's run i; whole warps are beyond the row together.
__device__ inline uint32_t whole_row_column(uint32_t i) {
    return (i * (blockDim.x / 32) + threadIdx.x / 32) * run_columns + threadIdx.x % 32 * 4;
}

// Columns column .. column + 3 of a row of float32; 0 beyond it.
__device__ inline float4 four_of_row(const float* values, uint32_t column, uint32_t cols) {
    if (cols % 4 == 0) { // rows are aligned
        return column < cols ? *reinterpret_cast<const float4*>(values + column) : float4{};
    }
    float four[4] = {};
    for (uint32_t e = 0; e < 4; ++e)
        if (column + e < cols) four[e] = values[column + e];
    return {four[0], four[1], four[2], four[3]};
}

// Every thread gets the largest of the block.
__device__ inline uint32_t block_max(uint32_t value) {
    __shared__ uint32_t parts[whole_row_threads / 32];
    value = group_max(value, 32);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    const uint32_t lane = threadIdx.x % 32;
    return group_max(lane < blockDim.x / 32 ? parts[lane] : 0, 32);
}

// v: before the transform, zero beyond the row.
__device__ inline void finish_whole_row(const ActivationView& out, const RoundingView& rounding, uint32_t row,
                                        WholeRow& v) {
    uint32_t amax = 0;
#pragma unroll
    for (uint32_t i = 0; i < whole_row_runs; ++i) {
        const uint32_t column = whole_row_column(i);
        if (column >= out.pitch()) break;
        transform_run(rounding.transform, column, out.cols, v[i]);
        for (float value : v[i]) amax = max(amax, __float_as_uint(value) & 0x7FFFFFFFu);
    }
    amax = block_max(amax);
    const float tensor_scale = row_tensor_scale(rounding, amax);
#pragma unroll
    for (uint32_t i = 0; i < whole_row_runs; ++i) {
        const uint32_t column = whole_row_column(i);
        if (column >= out.pitch()) break;
        if (rounding.kind == ActivationFormat::Kind::a16 && out.keeps_values)
            store_values(out, row, column, v[i]);
        round_to_operand(out, rounding, tensor_scale, amax, row, column, v[i]);
    }
}

} // namespace fp4::cuda
