// out = x W^T + bias for weights in the plain layout, in float32.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/device/activation_view.h"

namespace fp4::cuda {

struct LinearOutput {
    const float* bias = nullptr; // [rows] or null
    float* out = nullptr;        // [n, rows]
    bool accumulate = false;
};

cudaError_t launch_linear_plain(const ActivationView& input, size_t n, const WeightView& weight,
                                const LinearOutput& output, cudaStream_t stream);

} // namespace fp4::cuda
