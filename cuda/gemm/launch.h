// Launching kernels with more shared memory than the default limit.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "cuda/device/launch.h"

namespace fp4::cuda {

inline unsigned blocks(size_t extent, size_t step) {
    return static_cast<unsigned>((extent + step - 1) / step);
}

template <class Arguments>
cudaError_t launch_kernel(void (*kernel)(Arguments), dim3 grid, int threads, size_t shared_bytes,
                          cudaStream_t stream, Arguments arguments) {
    if (shared_bytes > 48 * 1024) {
        const cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                       static_cast<int>(shared_bytes));
        if (error != cudaSuccess) return error;
    }
    return launch(kernel, grid, dim3(static_cast<unsigned>(threads)), shared_bytes, stream, arguments);
}

} // namespace fp4::cuda
