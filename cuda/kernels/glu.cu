#include "cuda/device/launch.h"
#include "cuda/device/row_output.h"
#include "cuda/kernels/glu.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t threads = 128;
constexpr uint32_t block_runs = threads / 32;

// gelu in its tanh form (Hendrycks and Gimpel, arXiv 1606.08415, section 2) is x sigmoid(2 u) as
// 0.5 (1 + tanh u) = sigmoid(2 u): no cancellation for negative x.
__device__ float activated(GluKind kind, float x) {
    const float exponent = kind == GluKind::silu ? x : 1.5957691216057308f * (x + 0.044715f * (x * x * x));
    return x / (1.0f + expf(-exponent));
}

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

__global__ __launch_bounds__(threads) void round_nvfp4_rows(ScaleRule rule, ActivationView out) {
    begin();
    const uint32_t row = blockIdx.y, column = first_column();
    if (column >= out.pitch()) return;
    const float4 stored = *reinterpret_cast<const float4*>(out.values + size_t(row) * out.pitch() + column);
    const float v[4] = {stored.x, stored.y, stored.z, stored.w};
    RoundingView rounding;
    rounding.kind = ActivationFormat::Kind::nvfp4;
    rounding.rule = rule;
    round_run(out, rounding, nvfp4_token_scale(rule, out.row_amax[row]), row, column, v);
}

dim3 run_grid(const ActivationView& out, size_t n) {
    return {(out.pitch() / run_columns + block_runs - 1) / block_runs, static_cast<uint32_t>(n)};
}

} // namespace

cudaError_t launch_glu(const float* gate, const float* up, size_t n, GluKind kind,
                       const RoundingView& rounding, const ActivationView& out, cudaStream_t stream) {
    return launch(glu_rows, run_grid(out, n), threads, 0, stream, gate, up, kind, rounding, out);
}

cudaError_t launch_round_nvfp4(size_t n, ScaleRule rule, const ActivationView& out, cudaStream_t stream) {
    return launch(round_nvfp4_rows, run_grid(out, n), threads, 0, stream, rule, out);
}

} // namespace fp4::cuda
