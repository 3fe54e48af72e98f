#include "cuda/cuda_backend.h"

#include "cuda/cuda_status.h"

namespace fp4 {

Result<std::shared_ptr<Backend>> open_cuda_backend() {
    int count = 0;
    cudaError_t found = cudaGetDeviceCount(&count);
    if (found != cudaSuccess || count == 0)
        return error(Status::device, "no CUDA device: ", cudaGetErrorString(found));
    return error(Status::device, "the CUDA backend is not complete");
}

} // namespace fp4
