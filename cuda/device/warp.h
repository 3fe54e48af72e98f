// Sums and maxima over a warp and a block of threads.
#pragma once

#include <cstdint>

namespace fp4::cuda {

inline constexpr unsigned all_lanes = 0xFFFFFFFFu;

__device__ inline float warp_sum(float value) {
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(all_lanes, value, step);
    return value;
}

__device__ inline float warp_max(float value) {
    for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(all_lanes, value, step));
    return value;
}

// The largest of runs of `lanes` (a power of two) neighbouring lanes.
__device__ inline uint32_t group_max(uint32_t value, int lanes) {
    for (int step = 1; step < lanes; step *= 2) value = max(value, __shfl_xor_sync(all_lanes, value, step));
    return value;
}

// Every thread gets the sum. All threads of a block of up to 1024, whole warps, must call it.
__device__ inline float block_sum(float value) {
    __shared__ float parts[32];
    value = warp_sum(value);
    __syncthreads(); // the last call's parts have been read
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    return warp_sum(threadIdx.x % 32 < blockDim.x / 32 ? parts[threadIdx.x % 32] : 0.0f);
}

} // namespace fp4::cuda
