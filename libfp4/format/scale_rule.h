// Closed-form block scale rules (README.md lists formulas and sources). They look at exponent and mantissa
// bits only: no logarithm, so powers of two and the rules' own boundaries are exact on every machine.
#pragma once

#include <cstdint>

#include "libfp4/format/block_format.h"

namespace fp4 {

inline constexpr uint8_t zero_scale_code = 0;

constexpr uint8_t nan_scale_code(BlockFormat format) {
    return format == BlockFormat::nvfp4 ? 0x7F : 0xFF;
}

// Value of a stored scale code; NaN for the NaN code.
float block_scale_value(BlockFormat format, uint8_t code);

// MX formats: smallest and largest exponent x of a block scale 2^x. The upper end keeps the largest element
// finite in float32, so that finite blocks never decode to Inf.
inline constexpr int min_scale_exponent = -127;
int max_scale_exponent(BlockFormat format);

// MX formats: exponent x of the block scale for a block whose largest magnitude, in units of the tensor
// scale, is amax (>= 0, not NaN). mse and prescale34 start from floor, which this returns for them.
int mx_scale_exponent(BlockFormat format, ScaleRule rule, float amax);

constexpr uint8_t mx_scale_code(int exponent) {
    return static_cast<uint8_t>(exponent + 127);
}

// NVFP4: E4M3 code of the block scale that puts `factor` x amax at the largest element, 6.
uint8_t nvfp4_scale_code(float amax, float factor, float tensor_scale);

} // namespace fp4
