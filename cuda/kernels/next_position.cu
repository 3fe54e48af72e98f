#include "cuda/device/launch.h"
#include "cuda/kernels/next_position.h"

namespace fp4::cuda {
namespace {

__global__ void next_position(uint32_t* position) {
    begin();
    ++*position;
}

} // namespace

cudaError_t launch_next_position(uint32_t* position, cudaStream_t stream) {
    return launch(next_position, 1, 1, 0, stream, position);
}

} // namespace fp4::cuda
