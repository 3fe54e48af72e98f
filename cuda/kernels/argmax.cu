#include "cuda/device/launch.h"
#include "cuda/device/warp.h"
#include "cuda/kernels/argmax.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t threads = 256;

struct Best {
    float value;
    int32_t index;
    __device__ void consider(float other, int32_t at) {
        if (other > value || (other == value && other > -INFINITY && at < index)) value = other, index = at;
    }
};

// Of all threads of the block, in thread 0.
__device__ Best block_best(Best best) {
    __shared__ Best parts[threads / 32];
    for (int step = 16; step > 0; step /= 2) {
        const float value = __shfl_xor_sync(all_lanes, best.value, step);
        best.consider(value, __shfl_xor_sync(all_lanes, best.index, step));
    }
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = best;
    __syncthreads();
    for (uint32_t i = 0; i < threads / 32; ++i) best.consider(parts[i].value, parts[i].index);
    return best;
}

__global__ __launch_bounds__(threads) void argmax_parts(const float* values, uint32_t count, int2* parts) {
    begin();
    Best best{-INFINITY, -1};
    for (uint32_t i = blockIdx.x * threads + threadIdx.x; i < count; i += argmax_blocks * threads)
        best.consider(values[i], static_cast<int32_t>(i));
    best = block_best(best);
    if (threadIdx.x == 0) parts[blockIdx.x] = make_int2(__float_as_int(best.value), best.index);
}

__global__ __launch_bounds__(threads) void argmax_last(const int2* parts, TokenPlaces index) {
    begin();
    Best best{-INFINITY, -1};
    if (threadIdx.x < argmax_blocks) best = {__int_as_float(parts[threadIdx.x].x), parts[threadIdx.x].y};
    best = block_best(best);
    if (threadIdx.x != 0) return;
    // An id that the next pass can read from the table in any case.
    if (index.next) *index.next = max(best.index, 0);
    if (index.host) *index.host = best.index;
}

} // namespace

cudaError_t launch_argmax_parts(const float* values, uint32_t count, int2* parts, cudaStream_t stream) {
    return launch(argmax_parts, argmax_blocks, threads, 0, stream, values, count, parts);
}

cudaError_t launch_argmax(const float* values, uint32_t count, int2* parts, const TokenPlaces& index,
                          cudaStream_t stream) {
    const cudaError_t first = launch_argmax_parts(values, count, parts, stream);
    return first != cudaSuccess ? first : launch(argmax_last, 1, threads, 0, stream, parts, index);
}

} // namespace fp4::cuda
