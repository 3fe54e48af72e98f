// Activations of gated layers.
#pragma once

#include "libfp4/engine/backend.h"

namespace fp4::cuda {

// gelu in its tanh form (Hendrycks and Gimpel, arXiv 1606.08415, section 2) is x sigmoid(2 u) as
// 0.5 (1 + tanh u) = sigmoid(2 u): no cancellation for negative x.
__device__ inline float activated(GluKind kind, float x) {
    const float exponent = kind == GluKind::silu ? x : 1.5957691216057308f * (x + 0.044715f * (x * x * x));
    return x / (1.0f + expf(-exponent));
}

} // namespace fp4::cuda
