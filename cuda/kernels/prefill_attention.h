// Attention of many queries, in place of the first step of attention.h.
#pragma once

#include "cuda/kernels/attention.h"

namespace fp4::cuda {

// How many parts of the key range fill the device.
uint32_t prefill_attention_splits(const AttentionView& attention, const KvView& kv, int processors);

// q: [n, heads * head_dim]
cudaError_t launch_prefill_attention(const AttentionView& attention, const float* q, const KvView& kv,
                                     cudaStream_t stream);

} // namespace fp4::cuda
