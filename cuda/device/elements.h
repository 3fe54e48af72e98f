// Decoding of stored elements: the codecs of libfp4/format, which are constexpr, on the device as well.
#pragma once

#include "cuda/device/weight_view.h"
#include "libfp4/format/block_element.h"

namespace fp4::cuda {

#ifdef __CUDACC__
#define FP4_BOTH __host__ __device__
#else
#define FP4_BOTH
#endif

FP4_BOTH constexpr float signed_value(float magnitude, bool negative) {
    return negative ? -magnitude : magnitude;
}

// Code of `element.bits` bits; E4M3's and E5M2's NaN and Inf codes too.
FP4_BOTH constexpr float decode_element(BlockFormat format, uint32_t code) {
    const BlockElement element = block_element(format);
    if (element.twos_complement) return static_cast<float>(static_cast<int8_t>(code)) / 64.0f;
    const uint32_t sign = 1u << (element.bits - 1), magnitude = code & (sign - 1);
    if (format == BlockFormat::mxfp8_e4m3 && magnitude == 0x7F) return std::bit_cast<float>(0x7FC00000u);
    if (format == BlockFormat::mxfp8_e5m2 && magnitude >= 0x7C) {
        return magnitude == 0x7C ? signed_value(std::bit_cast<float>(f32_infinity_bits), code & sign)
                                 : std::bit_cast<float>(0x7FC00000u);
    }
    return signed_value(decode_magnitude(element.magnitude, magnitude), code & sign);
}

// E8M0, or E4M3 without its sign for NVFP4.
FP4_BOTH constexpr float decode_scale(BlockFormat format, uint32_t code) {
    if (format == BlockFormat::nvfp4) return decode_element(BlockFormat::mxfp8_e4m3, code & 0x7F);
    return code == 0xFF ? std::bit_cast<float>(0x7FC00000u) : exact_exp2(static_cast<int>(code) - 127);
}

FP4_BOTH constexpr float decode_half(WeightFormat format, uint32_t code) {
    if (format == WeightFormat::bf16) return std::bit_cast<float>(code << 16);
    constexpr SmallFloat f16{10, -14, 0x7C00}; // device code cannot refer to small_float::f16
    const uint32_t magnitude = code & 0x7FFF;
    if (magnitude > 0x7C00) return std::bit_cast<float>(0x7FC00000u);
    return signed_value(
        magnitude == 0x7C00 ? std::bit_cast<float>(f32_infinity_bits) : decode_magnitude(f16, magnitude),
        code >> 15);
}

} // namespace fp4::cuda
