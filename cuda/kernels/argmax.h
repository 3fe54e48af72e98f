// The first largest of `count` values; NaN never wins. -1 when all are -Inf or NaN.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace fp4::cuda {

cudaError_t launch_argmax(const float* values, uint32_t count, int32_t* index, cudaStream_t stream);

} // namespace fp4::cuda
