// Where a pass starts: known when a kernel is launched, or only in device memory when it is a decode step's,
// which is recorded once for all positions.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace fp4::cuda {

struct StepPosition {
    uint32_t value = 0;
    const uint32_t* device = nullptr; // instead of the value
};

#ifdef __CUDACC__
// Not before begin(), but in a decode step, which starts by writing it.
__device__ inline uint32_t step_position(const StepPosition& position) {
    return position.device ? *position.device : position.value;
}
#endif

} // namespace fp4::cuda
