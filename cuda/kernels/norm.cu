#include "cuda/device/launch.h"
#include "cuda/device/whole_row.h"
#include "cuda/kernels/norm.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t threads = 256;
constexpr uint32_t block_runs = threads / 32;

// 1 / sqrt(mean(x^2) + epsilon), for every thread.
__device__ float inverse_norm(const float* x, uint32_t cols, float epsilon) {
    float squares = 0.0f;
    if (cols % 4 == 0) { // rows are aligned
        const auto* fours = reinterpret_cast<const float4*>(x);
#pragma unroll 4
        for (uint32_t j = threadIdx.x; j < cols / 4; j += threads) {
            const float4 v = fours[j];
            squares += v.x * v.x + v.y * v.y + (v.z * v.z + v.w * v.w);
        }
    } else {
        for (uint32_t j = threadIdx.x; j < cols; j += threads) squares += x[j] * x[j];
    }
    return 1.0f / sqrtf(block_sum(squares) / static_cast<float>(cols) + epsilon);
}

// A block takes eight runs of a row; it needs the whole row's norm, which is cheaper to compute again in
// every block than to wait for.
__global__ __launch_bounds__(threads) void norm_rows(const float* x, NormView norm, RoundingView rounding,
                                                     ActivationView out) {
    const uint32_t row = blockIdx.y, cols = out.cols;
    const uint32_t column = (blockIdx.x * block_runs + threadIdx.x / 32) * run_columns + threadIdx.x % 32 * 4;
    float weights[4]; // not another kernel's work: read before it ends
    for (uint32_t e = 0; e < 4; ++e) weights[e] = column + e < cols ? norm.weight[column + e] : 0.0f;
    begin();
    const float* values = x + size_t(row) * cols;
    const float inverse = inverse_norm(values, cols, norm.epsilon);
    if (column - threadIdx.x % 32 * 4 >= out.pitch()) return; // whole warps
    float v[4] = {};
    for (uint32_t e = 0; e < 4; ++e)
        if (column + e < cols) v[e] = values[column + e] * inverse * weights[e];
    finish_run(out, rounding, row, column, v);
}

__global__ __launch_bounds__(whole_row_threads) void norm_whole_rows(const float* x, NormView norm,
                                                                     RoundingView rounding,
                                                                     ActivationView out) {
    begin();
    const uint32_t row = blockIdx.x, cols = out.cols;
    const float* values = x + size_t(row) * cols;
    WholeRow v = {};
    float squares = 0.0f;
#pragma unroll
    for (uint32_t i = 0; i < whole_row_runs; ++i) {
        const float4 four = four_of_row(values, whole_row_column(i), cols);
        v[i][0] = four.x, v[i][1] = four.y, v[i][2] = four.z, v[i][3] = four.w;
        squares += v[i][0] * v[i][0] + v[i][1] * v[i][1] + (v[i][2] * v[i][2] + v[i][3] * v[i][3]);
    }
    const float inverse = 1.0f / sqrtf(block_sum(squares) / static_cast<float>(cols) + norm.epsilon);
#pragma unroll
    for (uint32_t i = 0; i < whole_row_runs; ++i) {
        const float4 weight = four_of_row(norm.weight, whole_row_column(i), cols);
        v[i][0] = v[i][0] * inverse * weight.x, v[i][1] = v[i][1] * inverse * weight.y;
        v[i][2] = v[i][2] * inverse * weight.z, v[i][3] = v[i][3] * inverse * weight.w;
    }
    finish_whole_row(out, rounding, row, v);
}

__global__ __launch_bounds__(threads) void norm_add_rows(const float* y, uint32_t cols, NormView norm,
                                                         float* x) {
    begin();
    const size_t start = size_t(blockIdx.x) * cols;
    const float inverse = inverse_norm(y + start, cols, norm.epsilon);
    for (uint32_t j = threadIdx.x; j < cols; j += threads)
        x[start + j] += y[start + j] * inverse * norm.weight[j];
}

} // namespace

cudaError_t launch_norm(const float* x, size_t n, const NormView& norm, const RoundingView& rounding,
                        const ActivationView& out, cudaStream_t stream) {
    if (fits_whole_rows(out)) {
        return launch(norm_whole_rows, static_cast<uint32_t>(n), threads_of_row(out), 0, stream, x, norm,
                      rounding, out);
    }
    const uint32_t runs = out.pitch() / run_columns;
    const dim3 grid((runs + block_runs - 1) / block_runs, static_cast<uint32_t>(n));
    return launch(norm_rows, grid, threads, 0, stream, x, norm, rounding, out);
}

cudaError_t launch_norm_add(const float* y, size_t n, uint32_t cols, const NormView& norm, float* x,
                            cudaStream_t stream) {
    return launch(norm_add_rows, static_cast<uint32_t>(n), threads, 0, stream, y, cols, norm, x);
}

} // namespace fp4::cuda
