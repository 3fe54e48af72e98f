// Attention of many queries, in place of the first step of attention.h.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/kernels/prefill_attention_view.h"

namespace fp4::cuda {

// How many parts of the key range fill the device.
uint32_t prefill_attention_splits(const PrefillAttention& attention, int processors);

cudaError_t launch_prefill_attention(const PrefillAttention& attention, cudaStream_t stream);

} // namespace fp4::cuda
