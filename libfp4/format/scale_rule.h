// Closed-form block scale rules (README.md lists formulas and sources). They look at exponent and mantissa
// bits only: no logarithm, so powers of two and the rules' own boundaries are exact on every machine. In the
// header, and constexpr, so that GPU code rounds by the same lines.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "libfp4/format/block_element.h"
#include "libfp4/format/block_format.h"

namespace fp4 {

namespace detail {

// magnitude = (1 + fraction / 2^23) x 2^exponent, also for float32 subnormals.
struct BinaryMagnitude {
    int exponent;
    uint32_t fraction;
};

constexpr BinaryMagnitude split_magnitude(float magnitude) {
    const uint32_t bits = magnitude_bits(magnitude);
    const int missing = std::max(std::countl_zero(bits) - 8, 0); // a subnormal's distance to normal form
    const uint32_t shifted = bits << missing;
    return {static_cast<int>(bits >> 23) - 127 - missing + (missing > 0), shifted & 0x7FFFFF};
}

// Whether the rule takes the next power of two above floor's.
constexpr bool rounds_up(const SmallFloat& element, ScaleRule rule, uint32_t fraction) {
    switch (rule) {
        case ScaleRule::ceil:
            return fraction > split_magnitude(max_value(element)).fraction;
        // Rounding amax half up to the element's mantissa carries into the exponent.
        case ScaleRule::even:
            return fraction + (1u << (22 - element.mantissa_bits)) >= 1u << 23;
        // amax / 4 > 7.25 / 4.
        case ScaleRule::uos:
            return fraction > split_magnitude(7.25f).fraction;
        default:
            return false;
    }
}

} // namespace detail

inline constexpr uint8_t zero_scale_code = 0;

constexpr uint8_t nan_scale_code(BlockFormat format) {
    return format == BlockFormat::nvfp4 ? 0x7F : 0xFF;
}

// The tensor scale with which a tensor's (or token's) largest magnitude, amax (> 0, finite), becomes
// `largest`. Times the smallest block scale of NVFP4, 2^-9, it is still a normal float32 with a finite
// reciprocal.
constexpr float tensor_scale_to(float largest, float amax) {
    const float scale = amax / largest, smallest = 0x1p-117f;
    return scale > smallest ? scale : smallest;
}
// What that is for a rule; 0: the rule's tensor scale does not depend on amax. The scored rules of NVFP4 may
// raise a block scale by half or more: 256 x 1.75 = 448 leaves the largest block room.
constexpr float tensor_scale_target(BlockFormat format, ScaleRule rule) {
    if (rule == ScaleRule::tensor) return 448.0f;
    if (format != BlockFormat::nvfp4) return 0.0f;
    return 6.0f * (rule == ScaleRule::amax ? 448.0f : 256.0f);
}

// Value of a stored scale code; NaN for the NaN code.
float block_scale_value(BlockFormat format, uint8_t code);

// MX formats: smallest and largest exponent x of a block scale 2^x. The upper end keeps the largest element
// finite in float32, so that finite blocks never decode to Inf.
inline constexpr int min_scale_exponent = -127;
constexpr int max_scale_exponent(BlockFormat format) {
    return 127 - max_exponent(block_element(format).magnitude);
}

// MX formats: exponent x of the block scale for a block whose largest magnitude, in units of the tensor
// scale, is amax (>= 0, not NaN). mse and prescale34 start from floor, which this returns for them.
constexpr int mx_scale_exponent(BlockFormat format, ScaleRule rule, float amax) {
    if (rule == ScaleRule::tensor) return 0;
    const SmallFloat element = block_element(format).magnitude;
    const auto largest = detail::split_magnitude(std::min(amax, std::numeric_limits<float>::max()));
    const int exponent = largest.exponent - max_exponent(element) +
                         (detail::rounds_up(element, rule, largest.fraction) ? 1 : 0);
    const int lowest = min_scale_exponent; // a copy: device code cannot refer to the constant
    return std::clamp(exponent, lowest, max_scale_exponent(format));
}

constexpr uint8_t mx_scale_code(int exponent) {
    return static_cast<uint8_t>(exponent + 127);
}

// NVFP4: E4M3 code of the block scale that puts `factor` x amax (>= 0) at the largest element, 6.
constexpr uint8_t nvfp4_scale_code(float amax, float factor, float tensor_scale) {
    const SmallFloat e4m3 = block_element(BlockFormat::mxfp8_e4m3).magnitude;
    return static_cast<uint8_t>(
        encode_magnitude(e4m3, magnitude_bits(factor * (amax / 6.0f) / tensor_scale)));
}

} // namespace fp4
