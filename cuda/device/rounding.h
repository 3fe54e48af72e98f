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

struct RoundedElement {
    uint8_t code;
    float value;
};
// encode_block_element() and decode_element() in one, in few operations: the bits of a float32 are rounded to
// the element's mantissa, below its smallest normal number by adding a number that has no finer bits.
FP4_BOTH constexpr RoundedElement round_element(BlockFormat format, float value) {
    const BlockElement element = block_element(format);
    const SmallFloat& type = element.magnitude;
    if (element.twos_complement) {
        const uint8_t code = encode_block_element(element, value);
        return {code, decode_element(format, code)};
    }
    const float largest = max_value(type);
    float magnitude = std::bit_cast<float>(magnitude_bits(value));
    magnitude = magnitude < largest ? magnitude : largest;
    const int dropped = 23 - type.mantissa_bits;
    const uint32_t bits = std::bit_cast<uint32_t>(magnitude);
    const uint32_t normal = (bits + (1u << (dropped - 1)) - 1 + (bits >> dropped & 1)) >> dropped << dropped;
    const float coarse = exact_exp2(type.min_exponent + dropped);
    const float rounded = magnitude < exact_exp2(type.min_exponent) ? (magnitude + coarse) - coarse
                                                                    : std::bit_cast<float>(normal);
    // With the exponents of float32 in place of the element's the bits are those of the code.
    const uint32_t code = std::bit_cast<uint32_t>(rounded * exact_exp2(-126 - type.min_exponent)) >> dropped;
    const uint32_t sign = has_sign(value);
    return {static_cast<uint8_t>(code | sign << (element.bits - 1)), signed_value(rounded, sign)};
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

// The tensor scale of a token whose largest magnitude has these bits (tensor_scale_for), by a rule that has
// one.
FP4_BOTH constexpr float token_scale(BlockFormat format, ScaleRule rule, uint32_t amax) {
    if (amax == 0 || amax >= f32_infinity_bits) return 1.0f;
    return tensor_scale_to(tensor_scale_target(format, rule), std::bit_cast<float>(amax));
}

} // namespace fp4::cuda
