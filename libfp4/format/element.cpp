#include "libfp4/format/element.h"

#include <limits>

#include "libfp4/format/small_float.h"

namespace fp4 {
namespace {

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();
constexpr float inf_value = std::numeric_limits<float>::infinity();

// Sign-magnitude code with the sign at bit `sign_bit`; NaN becomes nan_code.
uint32_t encode_signed(const SmallFloat& format, int sign_bit, uint32_t nan_code, float value) {
    const uint32_t bits = magnitude_bits(value);
    const uint32_t sign = static_cast<uint32_t>(has_sign(value)) << sign_bit;
    return sign | (is_nan_bits(bits) ? nan_code : encode_magnitude(format, bits));
}

// As above for the types without NaN: NaN becomes +0.
uint8_t encode_without_nan(const SmallFloat& format, int sign_bit, float value) {
    if (is_nan_bits(magnitude_bits(value))) return 0;
    return static_cast<uint8_t>(encode_signed(format, sign_bit, 0, value));
}

float with_sign(bool negative, float magnitude) {
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | static_cast<uint32_t>(negative) << 31);
}

// Bits above the sign bit are ignored.
float decode_signed(const SmallFloat& format, int sign_bit, uint32_t code) {
    const uint32_t sign = 1u << sign_bit;
    return with_sign((code & sign) != 0, decode_magnitude(format, code & (sign - 1)));
}

} // namespace

uint8_t encode_e2m1(float value) {
    return encode_without_nan(small_float::e2m1, 3, value);
}
float decode_e2m1(uint8_t code) {
    return decode_signed(small_float::e2m1, 3, code);
}
uint8_t encode_e2m3(float value) {
    return encode_without_nan(small_float::e2m3, 5, value);
}
float decode_e2m3(uint8_t code) {
    return decode_signed(small_float::e2m3, 5, code);
}
uint8_t encode_e3m2(float value) {
    return encode_without_nan(small_float::e3m2, 5, value);
}
float decode_e3m2(uint8_t code) {
    return decode_signed(small_float::e3m2, 5, code);
}

uint8_t encode_e4m3(float value) {
    return static_cast<uint8_t>(encode_signed(small_float::e4m3, 7, 0x7F, value));
}

float decode_e4m3(uint8_t code) {
    return (code & 0x7F) == 0x7F ? nan_value : decode_signed(small_float::e4m3, 7, code);
}

uint8_t encode_e5m2(float value) {
    return static_cast<uint8_t>(encode_signed(small_float::e5m2, 7, 0x7E, value));
}

float decode_e5m2(uint8_t code) {
    const int magnitude = code & 0x7F;
    if (magnitude > 0x7C) return nan_value;
    return magnitude == 0x7C ? with_sign(code >> 7, inf_value) : decode_signed(small_float::e5m2, 7, code);
}

uint8_t encode_ue4m3(float value) {
    const uint8_t code = encode_e4m3(value);
    if ((code & 0x7F) == 0x7F) return 0x7F;
    return code >> 7 ? 0 : code;
}

float decode_ue4m3(uint8_t code) {
    return decode_e4m3(code & 0x7F);
}

uint8_t encode_e8m0(float value) {
    const uint32_t bits = magnitude_bits(value);
    if (is_nan_bits(bits)) return 0xFF;
    if (has_sign(value)) return 0;
    if (bits < 0x800000)
        return bits > 0x600000 ? 1 : 0; // around 2^-127: the midpoint 1.5 x 2^-127 goes to code 0
    // Ties are at mantissa 1.5: just under half a step up, plus one when the exponent code is odd.
    const uint32_t code = (bits + 0x3FFFFF + (bits >> 23 & 1)) >> 23;
    return static_cast<uint8_t>(std::min(code, 254u));
}

float decode_e8m0(uint8_t code) {
    return code == 0xFF ? nan_value : exact_exp2(code - 127);
}

int8_t encode_int8(float value) {
    const uint32_t bits = magnitude_bits(value);
    if (is_nan_bits(bits)) return 0;
    const int magnitude = static_cast<int>(encode_magnitude(small_float::int8, bits));
    return static_cast<int8_t>(has_sign(value) ? -magnitude : magnitude);
}

float decode_int8(int8_t code) {
    return static_cast<float>(code) / 64.0f;
}

uint16_t encode_bf16(float value) {
    return static_cast<uint16_t>(encode_signed(small_float::bf16, 15, 0x7FC0, value));
}

float decode_bf16(uint16_t code) {
    return std::bit_cast<float>(static_cast<uint32_t>(code) << 16);
}

uint16_t encode_f16(float value) {
    return static_cast<uint16_t>(encode_signed(small_float::f16, 15, 0x7E00, value));
}

float decode_f16(uint16_t code) {
    const int magnitude = code & 0x7FFF;
    if (magnitude > 0x7C00) return nan_value;
    return magnitude == 0x7C00 ? with_sign(code >> 15, inf_value) : decode_signed(small_float::f16, 15, code);
}

} // namespace fp4
