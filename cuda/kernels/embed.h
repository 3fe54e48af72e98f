// x[i] = table[ids[i]] * scale, from every weight format.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/device/weight_view.h"

namespace fp4::cuda {

cudaError_t launch_embed(const WeightView& table, const int32_t* ids, size_t n, float scale, float* x,
                         cudaStream_t stream);

} // namespace fp4::cuda
