// One draw from softmax(logits / temperature) cut by top-k, top-p and min-p: the token that sample_token
// (libfp4/engine/sampling.h) draws, by the same order of candidates.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/kernels/argmax.h"

namespace fp4::cuda {

struct SampleView {
    const float* logits = nullptr;
    uint32_t count = 0;
    float temperature = 1.0f; // > 0
    uint32_t top_k = 0;       // 0: off
    float top_p = 1.0f;
    float min_p = 0.0f;
    float uniform = 0.0f;    // uniform_draw()
    int2* maxima = nullptr;  // argmax_blocks
    uint8_t* sums = nullptr; // sample_scratch_bytes, zero; zero again afterwards
};

inline constexpr uint32_t sample_buckets = 2048;
inline constexpr uint32_t sample_scratch_bytes = (sample_buckets + 1) * (8 + 8);

// What the kernel says when too many tokens have nearly the same logit.
inline constexpr int32_t sample_undecided = -2;

cudaError_t launch_sample(const SampleView& sample, const TokenPlaces& token, cudaStream_t stream);

} // namespace fp4::cuda
