// What one lane of a warp can do, as plain functions: PTX on a GPU, the lane simulator of the tests
// elsewhere. Kernels written over this header and CUDA's own names (threadIdx, __shfl_sync ...) run on both.
#pragma once

#ifdef __CUDACC__
#include "cuda/mma/lane_device.h"
#else
#include "tests/unit/cuda_mma/lane_simulator.h"
#endif
