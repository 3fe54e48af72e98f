#include "cuda/device/launch.h"
#include "cuda/device/row_output.h"
#include "cuda/kernels/round.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t threads = 128;
constexpr uint32_t block_runs = threads / 32;

__global__ __launch_bounds__(threads) void round_rows(RoundingView rounding, ActivationView out) {
    begin();
    const uint32_t row = blockIdx.y;
    const uint32_t column = (blockIdx.x * block_runs + threadIdx.x / 32) * run_columns + threadIdx.x % 32 * 4;
    if (column >= out.pitch()) return; // whole warps
    const float4 stored = *reinterpret_cast<const float4*>(out.values + size_t(row) * out.pitch() + column);
    const float v[4] = {stored.x, stored.y, stored.z, stored.w};
    const uint32_t amax = out.row_amax[row];
    const float tensor_scale = row_tensor_scale(rounding, amax);
    if (out.in_operand)
        round_to_operand(out, rounding, tensor_scale, amax, row, column, v);
    else
        round_to_parts(out, rounding, tensor_scale, row, column, v);
}

} // namespace

cudaError_t launch_round(size_t n, const RoundingView& rounding, const ActivationView& out,
                         cudaStream_t stream) {
    const dim3 grid((out.pitch() / run_columns + block_runs - 1) / block_runs, static_cast<uint32_t>(n));
    return launch(round_rows, grid, threads, 0, stream, rounding, out);
}

} // namespace fp4::cuda
