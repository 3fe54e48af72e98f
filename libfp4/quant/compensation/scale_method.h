// How block scales and the tensor scale of a weight matrix are chosen: the rules of libfp4/format, and two
// methods that only weights can afford or that other software uses.
#pragma once

#include <cstdint>

#include "libfp4/base/result.h"
#include "libfp4/format/block_format.h"

namespace fp4 {

enum class ScaleMethod : uint8_t {
    rule,        // a ScaleRule
    alternating, // NVFP4: ScaleRule::mse, the tensor scale fitted to the weights (nvfp4_tensor_scale.h)
    fpquant,     // FP-Quant's abs-max. MXFP4: its 4/3 grid, value = element x 2^floor(log2 amax) / 3
    fpquant_mse, // FP-Quant's search: 100 shrinking scales, exponent 2.4, scored before scales are rounded
};

// Whether a method can be used: with a format, and the rule where the method is `rule`.
Result<void> check_scale_method(ScaleMethod method, BlockFormat format, ScaleRule rule);

// The tensor scale for weights whose largest magnitude is tensor_amax (`alternating`: the one to start from).
float method_tensor_scale(ScaleMethod method, BlockFormat format, ScaleRule rule, float tensor_amax);

// Scale code of one block. values, importance (may be null): [block_size(format)], a tail padded with zeros.
uint8_t method_block_scale(ScaleMethod method, BlockFormat format, ScaleRule rule, float tensor_scale,
                           const float* values, const float* importance);

} // namespace fp4
