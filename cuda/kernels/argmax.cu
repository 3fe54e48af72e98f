#include "cuda/device/warp.h"
#include "cuda/kernels/argmax.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t threads = 1024;

struct Best {
    float value;
    int32_t index;
    __device__ void consider(float other, int32_t at) {
        if (other > value || (other == value && other > -INFINITY && at < index)) value = other, index = at;
    }
};

__device__ Best warp_best(Best best) {
    for (int step = 16; step > 0; step /= 2) {
        const float value = __shfl_xor_sync(all_lanes, best.value, step);
        const int32_t index = __shfl_xor_sync(all_lanes, best.index, step);
        best.consider(value, index);
    }
    return best;
}

__global__ __launch_bounds__(threads) void argmax(const float* values, uint32_t count, int32_t* index) {
    __shared__ Best parts[32];
    Best best{-INFINITY, -1};
#pragma unroll 8
    for (uint32_t i = threadIdx.x; i < count; i += threads) best.consider(values[i], static_cast<int32_t>(i));
    best = warp_best(best);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = best;
    __syncthreads();
    if (threadIdx.x >= 32) return;
    best = warp_best(parts[threadIdx.x]);
    if (threadIdx.x == 0) *index = best.index;
}

} // namespace

cudaError_t launch_argmax(const float* values, uint32_t count, int32_t* index, cudaStream_t stream) {
    argmax<<<1, threads, 0, stream>>>(values, count, index);
    return cudaGetLastError();
}

} // namespace fp4::cuda
