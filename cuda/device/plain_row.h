// Elements of a weight in the plain layout.
#pragma once

#include <cstring>

#include "cuda/device/elements.h"

namespace fp4::cuda {

// Code of one element of a block format.
FP4_BOTH inline uint32_t plain_code(BlockFormat format, const uint8_t* row, uint32_t column) {
    switch (block_element(format).bits) {
        case 4:
            return row[column / 2] >> column % 2 * 4 & 15;
        case 6: { // four in three bytes
            const uint8_t* group = row + column / 4 * 3;
            const uint32_t word = group[0] | uint32_t(group[1]) << 8 | uint32_t(group[2]) << 16;
            return word >> column % 4 * 6 & 63;
        }
        default:
            return row[column];
    }
}

// Without the tensor scale.
FP4_BOTH inline float plain_element(const WeightView& weight, size_t row, uint32_t column) {
    const uint8_t* bytes = weight.codes + row * weight.row_bytes;
    if (is_block(weight.format)) {
        const BlockFormat format = to_block(weight.format);
        const uint32_t block = format == BlockFormat::nvfp4 ? column / 16 : column / 32;
        return decode_element(format, plain_code(format, bytes, column)) *
               decode_scale(format, weight.scales[row * weight.row_scales + block]);
    }
    if (weight.format == WeightFormat::f32) return reinterpret_cast<const float*>(bytes)[column];
    return decode_half(weight.format, reinterpret_cast<const uint16_t*>(bytes)[column]);
}

} // namespace fp4::cuda
