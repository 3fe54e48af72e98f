// CUDA's error codes as the library's.
#pragma once

#include <cuda_runtime_api.h>

#include "libfp4/base/result.h"

namespace fp4::cuda {

Status status_of(cudaError_t code);

// What a call of the run time returned, or the failure that made the device unusable, from then on.
cudaError_t seen(cudaError_t code);
// Status::device_lost after such a failure.
Result<void> device_alive();

// Why there is no device to open: what cudaGetDeviceCount() returned, and the driver's version (0: none).
Error no_device(cudaError_t code, int driver);

// For tests: the device fails at the call after the next `count` ones; -1 ends that, and the failure.
void fail_device_after(int64_t count);

// `what` says what was being done: "upload a weight".
template <class... Parts>
Error cuda_error(cudaError_t code, const Parts&... what) {
    return error(status_of(code), "CUDA: cannot ", what..., ": ", cudaGetErrorString(code));
}

template <class... Parts>
Result<void> check(cudaError_t code, const Parts&... what) {
    code = seen(code);
    if (code == cudaSuccess) return {};
    return cuda_error(code, what...);
}

} // namespace fp4::cuda
