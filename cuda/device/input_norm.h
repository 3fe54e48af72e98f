// The norm that a row lacks until it is multiplied (RowNorm).
#pragma once

#include "cuda/device/activation_view.h"
#include "cuda/device/copy_async.h"
#include "cuda/device/warp.h"

namespace fp4::cuda {

// The norm that the input's row still lacks: its parts come into shared memory while the block multiplies.
struct InputNorm {
    alignas(16) float squares[most_squares];
};

// By one warp.
__device__ inline void fetch_norm(const ActivationView& input, InputNorm& norm) {
    if (!input.norm.squares) return;
#pragma unroll 1
    for (uint32_t i = threadIdx.x % 32 * 4; i < input.cols / square_columns; i += 32 * 4)
        copy_async(norm.squares + i, input.norm.squares + i);
}

// What a product with that row is to be multiplied with. For the warp that fetched the norm, once all its
// copies have come.
__device__ inline float norm_factor(const ActivationView& input, const InputNorm& norm) {
    if (!input.norm.squares) return 1.0f;
    const uint32_t count = input.cols / square_columns;
    float sum = 0.0f;
#pragma unroll 1 // once, in most models
    for (uint32_t i = threadIdx.x % 32 * 4; i < count; i += 32 * 4) {
        float4 squares = *reinterpret_cast<const float4*>(norm.squares + i);
        // What was copied beyond the last one is nobody's.
        if (i + 1 >= count) squares.y = 0.0f;
        if (i + 2 >= count) squares.z = 0.0f;
        if (i + 3 >= count) squares.w = 0.0f;
        sum += (squares.x + squares.y) + (squares.z + squares.w);
    }
    return 1.0f / sqrtf(warp_sum(sum) / static_cast<float>(input.cols) + input.norm.epsilon);
}

} // namespace fp4::cuda
