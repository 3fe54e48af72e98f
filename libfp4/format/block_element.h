// The element type inside each block format.
#pragma once

#include "libfp4/format/block_format.h"
#include "libfp4/format/small_float.h"

namespace fp4 {

struct BlockElement {
    SmallFloat magnitude;
    int bits;
    bool twos_complement; // MXINT8; the others are sign and magnitude
};

constexpr BlockElement block_element(BlockFormat format) {
    switch (format) {
        case BlockFormat::mxfp8_e4m3:
            return {small_float::e4m3, 8, false};
        case BlockFormat::mxfp8_e5m2:
            return {small_float::e5m2, 8, false};
        case BlockFormat::mxfp6_e2m3:
            return {small_float::e2m3, 6, false};
        case BlockFormat::mxfp6_e3m2:
            return {small_float::e3m2, 6, false};
        case BlockFormat::mxint8:
            return {small_float::int8, 8, true};
        case BlockFormat::mxfp4:
        case BlockFormat::nvfp4:
            break;
    }
    return {small_float::e2m1, 4, false};
}

// Code of a value already divided by its scales (not NaN). Same codes as element.h.
constexpr uint8_t encode_block_element(const BlockElement& element, float value) {
    const uint32_t code = encode_magnitude(element.magnitude, magnitude_bits(value));
    const uint32_t sign = has_sign(value);
    return static_cast<uint8_t>(element.twos_complement ? (code ^ (0u - sign)) + sign
                                                        : code | sign << (element.bits - 1));
}

} // namespace fp4
