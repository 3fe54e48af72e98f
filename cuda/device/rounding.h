// Rounding of a block of linear inputs, bit for bit as quantize_row of block_format.h.
#pragma once

#include "cuda/device/elements.h"
#include "libfp4/format/linear_input.h"
#include "libfp4/format/scale_rule.h"

namespace fp4::cuda {

constexpr bool is_searched(ScaleRule rule) {
    return rule == ScaleRule::mse || rule == ScaleRule::four_over_six;
}

FP4_BOTH constexpr BlockFormat rounded_format(ActivationFormat::Kind kind) {
    switch (kind) {
        case ActivationFormat::Kind::mxint8:
            return BlockFormat::mxint8;
        case ActivationFormat::Kind::mxfp8_e4m3:
            return BlockFormat::mxfp8_e4m3;
        case ActivationFormat::Kind::nvfp4:
            return BlockFormat::nvfp4;
        default:
            return BlockFormat::mxfp4;
    }
}

// For rules that need no search. amax: bits of the block's largest magnitude.
FP4_BOTH constexpr uint8_t block_scale_code(BlockFormat format, ScaleRule rule, float tensor_scale,
                                            uint32_t amax) {
    if (amax >= f32_infinity_bits) return nan_scale_code(format);
    if (amax == 0) return zero_scale_code;
    const float largest = std::bit_cast<float>(amax);
    if (format == BlockFormat::nvfp4) return nvfp4_scale_code(largest, 1.0f, tensor_scale);
    // prescale34's tensor scale 4/3 acts on the elements only.
    const float unit = rule == ScaleRule::prescale34 ? 0.75f * tensor_scale : tensor_scale;
    return mx_scale_code(mx_scale_exponent(format, rule, largest / unit));
}

// What a value is multiplied with before it is rounded to an element; 0 in blocks of zero codes.
FP4_BOTH constexpr float inverse_scale(float block_scale, float tensor_scale) {
    const float scale = block_scale * tensor_scale;
    if (!(scale > 0)) return 0;
    const float inverse = 1.0f / scale, largest = std::bit_cast<float>(f32_infinity_bits - 1);
    return inverse < largest ? inverse : largest;
}

// The tensor scale of a token whose largest magnitude has these bits (tensor_scale_for).
FP4_BOTH constexpr float nvfp4_token_scale(ScaleRule rule, uint32_t amax) {
    if (amax == 0 || amax >= f32_infinity_bits) return 1.0f;
    const float scale = std::bit_cast<float>(amax) / (6.0f * (rule == ScaleRule::amax ? 448.0f : 256.0f)),
                smallest = 0x1p-117f;
    return scale > smallest ? scale : smallest;
}

} // namespace fp4::cuda
