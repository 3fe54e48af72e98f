#include "cuda/device/row_output.h"
#include "cuda/gemm/round.h"
#include "cuda/gemm/round_kernel.h"

namespace fp4::cuda {
namespace {

struct RoundCall {
    RoundArguments arguments;
    TransformView transform;
    ActivationFormat::Kind kind;
};

__global__ void __launch_bounds__(round_threads) round_rows(RoundCall call) {
    auto transform = [&](uint32_t column, float(&v)[4]) {
        transform_run(call.transform, column, call.arguments.to.cols, v);
    };
    if (call.kind == ActivationFormat::Kind::mxfp4)
        round_row_blocks<BlockFormat::mxfp4>(call.arguments, transform);
    else if (call.kind == ActivationFormat::Kind::nvfp4)
        round_row_blocks<BlockFormat::nvfp4>(call.arguments, transform);
    else if (call.kind == ActivationFormat::Kind::mxfp8_e4m3)
        round_row_blocks<BlockFormat::mxfp8_e4m3>(call.arguments, transform);
    else
        round_row_half(call.arguments, transform);
}

} // namespace

cudaError_t round_to_operand(const float* x, size_t x_stride, size_t rows, const RoundingView& rounding,
                             const GemmOperand& to, cudaStream_t stream) {
    const RoundCall call{
        {x, x_stride, to, rounding.rule, rounding.tensor_scale}, rounding.transform, rounding.kind};
    round_rows<<<static_cast<unsigned>(rows), round_threads, round_threads / 32 * sizeof(uint32_t), stream>>>(
        call);
    return cudaGetLastError();
}

} // namespace fp4::cuda
