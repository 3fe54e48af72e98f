// Per-head norm of q and k, rotary embedding, k and v into the cache.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/device/kv_view.h"
#include "cuda/device/step_position.h"
#include "cuda/kernels/norm.h"

namespace fp4::cuda {

struct RopeView {
    uint32_t n = 0;
    StepPosition position;
    uint32_t heads = 0;
    NormView q_norm, k_norm;                  // weight null: none
    const float* inverse_frequency = nullptr; // [head_dim / 2]
    float amplitude = 1.0f;
    bool interleaved = false;
};

// q: [n, heads * head_dim] in place; k, v: [n, kv_heads * head_dim].
cudaError_t launch_rope(const RopeView& rope, float* q, const float* k, const float* v, const KvView& kv,
                        cudaStream_t stream);

// Shared memory holds a head: the largest head_dim.
inline constexpr uint32_t max_head_dim = 256;

} // namespace fp4::cuda
