#include "cuda/device/activate.h"
#include "cuda/device/launch.h"
#include "cuda/device/whole_row.h"
#include "cuda/kernels/glu.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t threads = 128;
constexpr uint32_t block_runs = threads / 32;

// The first column of this thread; whole warps are beyond the row together.
__device__ uint32_t first_column() {
    return (blockIdx.x * block_runs + threadIdx.x / 32) * run_columns + threadIdx.x % 32 * 4;
}

__global__ __launch_bounds__(threads) void glu_rows(const float* gate, const float* up, GluKind kind,
                                                    RoundingView rounding, ActivationView out) {
    begin();
    const uint32_t row = blockIdx.y, cols = out.cols, column = first_column();
    if (column >= out.pitch()) return;
    const size_t start = size_t(row) * cols;
    float v[4] = {};
    for (uint32_t e = 0; e < 4; ++e)
        if (column + e < cols) v[e] = activated(kind, gate[start + column + e]) * up[start + column + e];
    finish_run(out, rounding, row, column, v);
}

__global__ __launch_bounds__(whole_row_threads) void glu_whole_rows(
    const float* gate, const float* up, GluKind kind, const __grid_constant__ RoundingView rounding,
    const __grid_constant__ ActivationView out) {
    begin();
    const uint32_t row = blockIdx.x, cols = out.cols;
    const size_t start = size_t(row) * cols;
    WholeRow v = {};
#pragma unroll
    for (uint32_t i = 0; i < whole_row_runs; ++i) {
        const uint32_t column = whole_row_column(i);
        if (column >= cols) break;
        const float4 g = four_of_row(gate + start, column, cols), u = four_of_row(up + start, column, cols);
        v[i][0] = activated(kind, g.x) * u.x, v[i][1] = activated(kind, g.y) * u.y;
        v[i][2] = activated(kind, g.z) * u.z, v[i][3] = activated(kind, g.w) * u.w;
    }
    finish_whole_row(out, rounding, row, v);
}

} // namespace

cudaError_t launch_glu(const float* gate, const float* up, size_t n, GluKind kind,
                       const RoundingView& rounding, const ActivationView& out, cudaStream_t stream) {
    if (fits_whole_rows(out)) {
        return launch(glu_whole_rows, static_cast<uint32_t>(n), threads_of_row(out), 0, stream, gate, up,
                      kind, rounding, out);
    }
    const dim3 grid((out.pitch() / run_columns + block_runs - 1) / block_runs, static_cast<uint32_t>(n));
    return launch(glu_rows, grid, threads, 0, stream, gate, up, kind, rounding, out);
}

} // namespace fp4::cuda
