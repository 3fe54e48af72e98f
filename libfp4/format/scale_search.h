// Choice of one block's scale for every rule, including the rules that score candidates.
#pragma once

#include <cstdint>

#include "libfp4/format/block_format.h"

namespace fp4 {

// values, importance: [block_size(format)], a tail padded with zeros. importance (may be null) weighs the
// squared errors of the scored rules (mse, four_over_six), e.g. with the diagonal of a layer's Hessian.
// Returns the NaN scale for a block with NaN or Inf, zero_scale_code for an all-zero one.
uint8_t choose_block_scale(BlockFormat format, ScaleRule rule, float tensor_scale, const float* values,
                           const float* importance = nullptr);

// What a value is multiplied with before it is rounded to an element: 1 / (block scale x tensor scale) in
// float32, and 0 when the scale is zero or NaN (such blocks hold zero codes).
float inverse_block_scale(BlockFormat format, float tensor_scale, uint8_t scale_code);

} // namespace fp4
