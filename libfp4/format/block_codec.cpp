// The reference codecs: one row of values to codes and block scales, and back.
#include <algorithm>
#include <array>
#include <limits>

#include "libfp4/format/block_element.h"
#include "libfp4/format/block_format.h"
#include "libfp4/format/element.h"
#include "libfp4/format/pack.h"
#include "libfp4/format/scale_rule.h"
#include "libfp4/format/scale_search.h"

namespace fp4 {
namespace {

constexpr size_t max_block = 32;

float decode_element(BlockFormat format, uint8_t code) {
    switch (format) {
        case BlockFormat::mxfp8_e4m3:
            return decode_e4m3(code);
        case BlockFormat::mxfp8_e5m2:
            return decode_e5m2(code);
        case BlockFormat::mxfp6_e2m3:
            return decode_e2m3(code);
        case BlockFormat::mxfp6_e3m2:
            return decode_e3m2(code);
        case BlockFormat::mxint8:
            return decode_int8(static_cast<int8_t>(code));
        case BlockFormat::mxfp4:
        case BlockFormat::nvfp4:
            break;
    }
    return decode_e2m1(code);
}

void encode_block(BlockFormat format, float tensor_scale, uint8_t scale_code, const float* values,
                  uint8_t* codes) {
    const BlockElement element = block_element(format);
    const float inverse = inverse_block_scale(format, tensor_scale, scale_code);
    const bool zero_codes = inverse == 0 || row_amax(values, block_size(format)) == 0;
    for (size_t i = 0; i < block_size(format); ++i)
        codes[i] = zero_codes ? 0 : encode_block_element(element, values[i] * inverse);
}

} // namespace

float row_amax(const float* values, size_t k) {
    int32_t largest = 0; // magnitudes order like their bits, with Inf and NaN on top
    for (size_t i = 0; i < k; ++i)
        largest = std::max(largest, static_cast<int32_t>(magnitude_bits(values[i])));
    if (largest >= static_cast<int32_t>(f32_infinity_bits)) return std::numeric_limits<float>::quiet_NaN();
    return std::bit_cast<float>(largest);
}

float tensor_scale_for(BlockFormat format, ScaleRule rule, float tensor_amax) {
    const float largest = tensor_scale_target(format, rule);
    if (largest == 0) return rule == ScaleRule::prescale34 ? 4.0f / 3.0f : 1.0f;
    if (!(tensor_amax > 0 && tensor_amax <= std::numeric_limits<float>::max())) return 1.0f;
    return tensor_scale_to(largest, tensor_amax);
}

void quantize_row(BlockFormat format, ScaleRule rule, float tensor_scale, const float* values, size_t k,
                  uint8_t* codes, uint8_t* scales) {
    const size_t block = block_size(format);
    const size_t code_bytes = row_code_bytes(format, block);
    std::array<uint8_t, max_block> unpacked;
    for (size_t b = 0; b < row_scales(format, k); ++b) {
        std::array<float, max_block> padded{}; // zeros change neither amax nor any error
        std::copy_n(values + b * block, std::min(block, k - b * block), padded.begin());
        scales[b] = choose_block_scale(format, rule, tensor_scale, padded.data());
        encode_block(format, tensor_scale, scales[b], padded.data(), unpacked.data());
        pack_codes(element_bits(format), unpacked.data(), block, codes + b * code_bytes);
    }
}

void dequantize_row(BlockFormat format, float tensor_scale, const uint8_t* codes, const uint8_t* scales,
                    size_t k, float* values) {
    const size_t block = block_size(format);
    const size_t code_bytes = row_code_bytes(format, block);
    std::array<uint8_t, max_block> unpacked;
    for (size_t b = 0; b < row_scales(format, k); ++b) {
        unpack_codes(element_bits(format), codes + b * code_bytes, block, unpacked.data());
        const float scale = block_scale_value(format, scales[b]);
        for (size_t i = 0; i < std::min(block, k - b * block); ++i)
            values[b * block + i] = decode_element(format, unpacked[i]) * scale * tensor_scale;
    }
}

} // namespace fp4
