// The largest magnitude of a run of values, as bits.
#pragma once

#include "libfp4/cpu/kernels/level.h"

namespace fp4::FP4_CPU_LEVEL {

inline constexpr uint32_t infinity_bits = 0x7F800000;

// Bits of the largest magnitude: they order like the numbers, with Inf and NaN on top. count: a multiple of
// width.
inline uint32_t amax_bits(const float* x, size_t count) {
    I top = set_int(0);
    for (size_t j = 0; j < count; j += width) top = max(top, magnitude_bits(load(x + j)));
    return static_cast<uint32_t>(largest(top));
}

inline float as_float(uint32_t bits) {
    float value;
    __builtin_memcpy(&value, &bits, 4);
    return value;
}

} // namespace fp4::FP4_CPU_LEVEL
