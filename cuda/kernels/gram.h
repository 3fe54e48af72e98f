// sum [a_cols, b_cols] += a^T b; a: [n, a_cols], b: [n, b_cols], in float32. For calibration.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace fp4::cuda {

cudaError_t launch_gram(const float* a, uint32_t a_cols, const float* b, uint32_t b_cols, uint32_t n,
                        float* sum, cudaStream_t stream);

} // namespace fp4::cuda
