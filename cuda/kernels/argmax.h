// The first largest of `count` values; NaN never wins. -1 when all are -Inf or NaN.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace fp4::cuda {

inline constexpr uint32_t argmax_blocks = 128;

// Where a drawn token goes, both or one.
struct TokenPlaces {
    int32_t* next = nullptr; // for the next pass
    int32_t* host = nullptr;
};

// The first largest value of each of argmax_blocks shares, as bits, and its index: -Inf and -1 without one.
cudaError_t launch_argmax_parts(const float* values, uint32_t count, int2* parts, cudaStream_t stream);
// parts: scratch of argmax_blocks
cudaError_t launch_argmax(const float* values, uint32_t count, int2* parts, const TokenPlaces& index,
                          cudaStream_t stream);

} // namespace fp4::cuda
