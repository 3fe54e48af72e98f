// CUDA's error codes as the library's.
#pragma once

#include <cuda_runtime_api.h>

#include "libfp4/base/result.h"

namespace fp4::cuda {

inline Status status_of(cudaError_t code) {
    switch (code) {
        case cudaErrorMemoryAllocation:
            return Status::memory;
        case cudaErrorInvalidValue:
        case cudaErrorInvalidConfiguration:
            return Status::internal;
        case cudaErrorNoDevice:
        case cudaErrorInsufficientDriver:
        case cudaErrorNoKernelImageForDevice:
            return Status::device;
        default:
            return Status::device_lost;
    }
}

// `what` says what was being done: "upload a weight".
template <class... Parts>
Error cuda_error(cudaError_t code, const Parts&... what) {
    return error(status_of(code), "CUDA: cannot ", what..., ": ", cudaGetErrorString(code));
}

template <class... Parts>
Result<void> check(cudaError_t code, const Parts&... what) {
    if (code == cudaSuccess) return {};
    return cuda_error(code, what...);
}

} // namespace fp4::cuda
