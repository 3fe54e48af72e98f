// Attention in two steps: parts of the key range (flash decoding, Dao et al. 2023), then their combination,
// transformed and rounded for the output linear.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/device/activation_view.h"
#include "cuda/device/attention_parts.h"
#include "cuda/device/kv_view.h"
#include "cuda/device/step_position.h"

namespace fp4::cuda {

inline constexpr uint32_t max_attention_dim = 256; // of a head

struct AttentionView : AttentionParts {
    StepPosition position;
};

// How many parts of `length` keys fill the device; sums and states must have room for them.
uint32_t attention_splits(uint32_t n, uint32_t length, uint32_t heads, uint32_t kv_heads, int processors);

// q: [n, heads * head_dim]
cudaError_t launch_attention_parts(const AttentionView& attention, const float* q, const KvView& kv,
                                   cudaStream_t stream);
cudaError_t launch_attention_combine(const AttentionParts& attention, uint32_t head_dim,
                                     const RoundingView& rounding, const ActivationView& out,
                                     cudaStream_t stream);

} // namespace fp4::cuda
