// Block formats whose elements are small integers times one unit: E2M1 times two is 0, 1, 2, 3, 4, 6, 8, 12
// and MXINT8 times 64 is its code, so that a block dot product is exact in int32.
#pragma once

#include <algorithm>

#include "libfp4/format/block_format.h"
#include "libfp4/format/element.h"

namespace fp4::reference {

inline bool is_integer(BlockFormat format) {
    return format == BlockFormat::mxfp4 || format == BlockFormat::nvfp4 || format == BlockFormat::mxint8;
}

struct IntegerRow {
    BlockFormat format;
    const uint8_t* codes;
    const uint8_t* scales;

    int32_t integer(size_t j) const {
        if (format == BlockFormat::mxint8) return static_cast<int8_t>(codes[j]);
        uint8_t code = j % 2 == 0 ? codes[j / 2] & 15 : codes[j / 2] >> 4;
        return static_cast<int32_t>(2.0f * decode_e2m1(code));
    }

    // What one integer stands for at element j, without the tensor scale.
    double unit(size_t j) const {
        uint8_t scale = scales[j / block_size(format)];
        if (format == BlockFormat::nvfp4) return 0.5 * decode_ue4m3(scale);
        return (format == BlockFormat::mxint8 ? 1.0 / 64 : 0.5) * decode_e8m0(scale);
    }
};

} // namespace fp4::reference
