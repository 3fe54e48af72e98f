// The alternating optimization of tensor scale and group scales that MR-GPTQ (arXiv 2509.23202) names; its
// public code lacks it, so this definition is ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "libfp4/base/thread_pool.h"

namespace fp4 {

struct TensorScaleFit {
    float tensor_scale = 1;
    double error = 0;        // weighted squared error with that scale
    uint32_t iterations = 0; // over both starts
};

// weights [N, K] finite; importance [K] weighs the squared errors, or empty. From each of the two usual
// tensor scales, amax / (6 x 448) and amax / (6 x 256), in turn: block scales and codes for the tensor scale
// (ScaleRule::mse), then the tensor scale that is best for them in closed form, sum(w x q) / sum(w q^2),
// until the error no longer falls. So it is never worse than either start.
TensorScaleFit fit_nvfp4_tensor_scale(const std::vector<float>& weights, size_t rows, size_t cols,
                                      const std::vector<float>& importance, ThreadPool& pool);

} // namespace fp4
