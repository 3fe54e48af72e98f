// ++*position: the start of a decode step.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace fp4::cuda {

cudaError_t launch_next_position(uint32_t* position, cudaStream_t stream);

} // namespace fp4::cuda
