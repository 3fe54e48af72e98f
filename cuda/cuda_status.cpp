#include "cuda/cuda_status.h"

#include <atomic>

namespace fp4::cuda {
namespace {

// The failure after which the context is gone: later calls fail too (CUDA Runtime API, cudaError).
std::atomic<cudaError_t> lost = cudaSuccess;
std::atomic<int64_t> calls_left = -1;

} // namespace

Status status_of(cudaError_t code) {
    switch (code) {
        case cudaSuccess:
            return Status::ok;
        case cudaErrorMemoryAllocation:
            return Status::memory;
        case cudaErrorInvalidValue:
        case cudaErrorInvalidConfiguration:
        case cudaErrorLaunchOutOfResources:
        case cudaErrorNotReady:
            return Status::internal;
        case cudaErrorNoDevice:
        case cudaErrorInsufficientDriver:
        case cudaErrorNoKernelImageForDevice:
        case cudaErrorInvalidDevice:
        case cudaErrorDevicesUnavailable:
        case cudaErrorSystemDriverMismatch:
        case cudaErrorCompatNotSupportedOnDevice:
        case cudaErrorUnsupportedPtxVersion:
        case cudaErrorInitializationError:
            return Status::device;
        default:
            return Status::device_lost;
    }
}

cudaError_t seen(cudaError_t code) {
    if (const cudaError_t before = lost.load(std::memory_order_relaxed); before != cudaSuccess) return before;
    if (calls_left.load(std::memory_order_relaxed) >= 0 && calls_left.fetch_sub(1) == 0)
        code = cudaErrorLaunchFailure;
    if (code != cudaSuccess && status_of(code) == Status::device_lost) lost = code;
    return code;
}

Result<void> device_alive() {
    const cudaError_t code = lost;
    if (code == cudaSuccess) return {};
    return error(Status::device_lost, "CUDA: the device failed: ", cudaGetErrorString(code),
                 "; close its handles. Other devices work; this one needs a new process");
}

Error no_device(cudaError_t code, int driver) {
    if (code == cudaErrorInsufficientDriver && driver > 0) {
        return error(Status::device, "no CUDA device: the driver is for CUDA ", driver / 1000, '.',
                     driver % 1000 / 10, ", this library needs one for CUDA ", CUDART_VERSION / 1000,
                     ".x; update the driver");
    }
    if (code == cudaErrorInsufficientDriver)
        return error(Status::device, "no CUDA device: there is no driver");
    if (code == cudaSuccess || code == cudaErrorNoDevice) return error(Status::device, "no CUDA device");
    return error(Status::device, "no CUDA device: ", cudaGetErrorString(code));
}

void fail_device_after(int64_t count) {
    calls_left = count;
    if (count < 0) lost = cudaSuccess;
}

} // namespace fp4::cuda
