#include "libfp4/format/scale_rule.h"

#include <algorithm>
#include <limits>

#include "libfp4/format/block_element.h"
#include "libfp4/format/element.h"

namespace fp4 {
namespace {

// magnitude = (1 + fraction / 2^23) x 2^exponent, also for float32 subnormals.
struct Binary {
    int exponent;
    uint32_t fraction;
};

Binary split(float magnitude) {
    const uint32_t bits = magnitude_bits(magnitude);
    const int missing = std::max(std::countl_zero(bits) - 8, 0); // a subnormal's distance to normal form
    const uint32_t shifted = bits << missing;
    return {static_cast<int>(bits >> 23) - 127 - missing + (missing > 0), shifted & 0x7FFFFF};
}

// Whether the rule takes the next power of two above floor's.
bool rounds_up(const SmallFloat& element, ScaleRule rule, uint32_t fraction) {
    switch (rule) {
        case ScaleRule::ceil:
            return fraction > split(max_value(element)).fraction;
        // Rounding amax half up to the element's mantissa carries into the exponent.
        case ScaleRule::even:
            return fraction + (1u << (22 - element.mantissa_bits)) >= 1u << 23;
        // amax / 4 > 7.25 / 4.
        case ScaleRule::uos:
            return fraction > split(7.25f).fraction;
        default:
            return false;
    }
}

} // namespace

float block_scale_value(BlockFormat format, uint8_t code) {
    return format == BlockFormat::nvfp4 ? decode_ue4m3(code) : decode_e8m0(code);
}

int max_scale_exponent(BlockFormat format) {
    return 127 - max_exponent(block_element(format).magnitude);
}

int mx_scale_exponent(BlockFormat format, ScaleRule rule, float amax) {
    const SmallFloat element = block_element(format).magnitude;
    const Binary largest = split(std::min(amax, std::numeric_limits<float>::max()));
    const int exponent =
        largest.exponent - max_exponent(element) + (rounds_up(element, rule, largest.fraction) ? 1 : 0);
    return std::clamp(exponent, min_scale_exponent, max_scale_exponent(format));
}

uint8_t nvfp4_scale_code(float amax, float factor, float tensor_scale) {
    return std::min<uint8_t>(encode_ue4m3(factor * (amax / 6.0f) / tensor_scale), 0x7E);
}

} // namespace fp4
