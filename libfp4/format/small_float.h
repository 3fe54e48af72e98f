// The one codec behind every small element type: magnitudes with M mantissa bits, gradual underflow and a
// largest finite code. Codes of magnitudes are ordered and consecutive, so a rounding carry is plain
// addition. MXINT8 (code / 64) fits too: its magnitudes are those of a format whose only normal exponent is
// 0.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace fp4 {

struct SmallFloat {
    int mantissa_bits; // at least 1
    int min_exponent; // of the smallest normal number; one subnormal step is 2^(min_exponent - mantissa_bits)
    uint32_t max_code; // overflow saturates here
};

namespace small_float {
inline constexpr SmallFloat e2m1{1, 0, 0x7};
inline constexpr SmallFloat e2m3{3, 0, 0x1F};
inline constexpr SmallFloat e3m2{2, -2, 0x1F};
inline constexpr SmallFloat e4m3{3, -6, 0x7E};
inline constexpr SmallFloat e5m2{2, -14, 0x7B};
inline constexpr SmallFloat int8{6, 0, 127};
inline constexpr SmallFloat f16{10, -14, 0x7C00}; // the code after the largest finite one is Inf
inline constexpr SmallFloat bf16{7, -126, 0x7F80};
} // namespace small_float

inline constexpr uint32_t f32_infinity_bits = 0x7F800000;

constexpr uint32_t magnitude_bits(float value) {
    return std::bit_cast<uint32_t>(value) & 0x7FFFFFFFu;
}
constexpr bool has_sign(float value) {
    return std::bit_cast<uint32_t>(value) >> 31 != 0;
}
constexpr bool is_nan_bits(uint32_t magnitude) {
    return magnitude > f32_infinity_bits;
}

// 2^exponent for -149 <= exponent <= 127, exact.
constexpr float exact_exp2(int exponent) {
    return std::bit_cast<float>(exponent >= -126 ? static_cast<uint32_t>(exponent + 127) << 23
                                                 : 1u << (exponent + 149));
}

// Code of a magnitude given by its float32 bits (not NaN): round to nearest, ties to the even code.
constexpr uint32_t encode_magnitude(const SmallFloat& format, uint32_t bits) {
    const uint32_t biased = bits >> 23;
    const uint32_t significand = (bits & 0x7FFFFF) | static_cast<uint32_t>(biased != 0) << 23;
    const int exponent = std::max(static_cast<int>(biased), 1) - 127;
    const int base = std::max(exponent, format.min_exponent);
    // At 25 dropped bits everything is less than half of the smallest subnormal.
    const int dropped = std::min(23 - format.mantissa_bits + (base - exponent), 25);
    const uint32_t just_under_half = (1u << (dropped - 1)) - 1;
    const uint32_t odd = significand >> dropped & 1;
    const uint32_t kept = (significand + just_under_half + odd) >> dropped;
    // A normal number's hidden bit is still in `kept` and adds the first exponent step.
    const uint32_t code = (static_cast<uint32_t>(base - format.min_exponent) << format.mantissa_bits) + kept;
    return std::min(code, format.max_code);
}

constexpr float decode_magnitude(const SmallFloat& format, uint32_t code) {
    const uint32_t exponent = code >> format.mantissa_bits;
    const uint32_t hidden_bit = static_cast<uint32_t>(exponent != 0) << format.mantissa_bits;
    const uint32_t significand = (code & ((1u << format.mantissa_bits) - 1)) | hidden_bit;
    const int step = format.min_exponent - format.mantissa_bits + std::max(static_cast<int>(exponent), 1) - 1;
    return static_cast<float>(significand) * exact_exp2(step);
}

constexpr float max_value(const SmallFloat& format) {
    return decode_magnitude(format, format.max_code);
}

// floor(log2) of the largest finite value: "emax" of the OCP MX specification.
constexpr int max_exponent(const SmallFloat& format) {
    return format.min_exponent + static_cast<int>(format.max_code >> format.mantissa_bits) - 1;
}

// decode(encode(|value|)) without the code, in a form compilers vectorize (scale search). Adding a power of
// two whose last place is the format's step at this magnitude rounds to nearest even in float32 arithmetic.
// `largest` is max_value(format); the value must not be NaN.
constexpr float nearest_magnitude(const SmallFloat& format, float largest, float value) {
    const float magnitude = std::min(std::bit_cast<float>(magnitude_bits(value)), largest);
    const int32_t exponent_bits = std::bit_cast<int32_t>(magnitude) & 0x7F800000;
    const int32_t floor_bits = (format.min_exponent + 127) << 23;
    const int32_t rounder_bits = std::max(exponent_bits, floor_bits) + ((23 - format.mantissa_bits) << 23);
    const float rounder = std::bit_cast<float>(rounder_bits);
    return (magnitude + rounder) - rounder;
}

} // namespace fp4
