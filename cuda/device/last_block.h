// Several blocks make parts of one result; the last of them puts the parts together.
#pragma once

#include <cstdint>

namespace fp4::cuda {

// Whether this block is the last of `blocks` to come here; then all their parts are visible. counter: 0
// before the first and after the last. For all threads of a block.
__device__ inline bool is_last_block(uint32_t& counter, uint32_t blocks) {
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        last = atomicAdd(&counter, 1u) == blocks - 1;
        if (last) counter = 0;
    }
    __syncthreads();
    __threadfence();
    return last;
}

} // namespace fp4::cuda
