// Linear inputs from float32 rows, transformed and rounded, as operands of gemm.h.
#pragma once

#include "cuda/device/activation_view.h"
#include "cuda/gemm/operand_view.h"

namespace fp4::cuda {

// x: [rows][x_stride], of which to.cols columns count. kind: mxfp4, nvfp4, mxfp8_e4m3, or a16 for
// half-precision panels.
cudaError_t round_to_operand(const float* x, size_t x_stride, size_t rows, const RoundingView& rounding,
                             const GemmOperand& to, cudaStream_t stream);

} // namespace fp4::cuda
