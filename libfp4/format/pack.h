// Element codes of one block, one a byte, to and from their stored form (layout: block_format.h).
// Blocks hold 16 or 32 elements, so groups of two (4 bit) and four (6 bit) are always whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace fp4 {

inline void pack_codes(int bits, const uint8_t* codes, size_t count, uint8_t* packed) {
    if (bits == 4) {
        for (size_t j = 0; j < count / 2; ++j)
            packed[j] = static_cast<uint8_t>((codes[2 * j] & 0x0F) | codes[2 * j + 1] << 4);
    } else if (bits == 6) {
        for (size_t j = 0; j < count / 4; ++j) {
            const uint8_t* group = codes + 4 * j;
            const uint32_t word = (group[0] & 0x3Fu) | (group[1] & 0x3Fu) << 6 | (group[2] & 0x3Fu) << 12 |
                                  (group[3] & 0x3Fu) << 18;
            for (int byte = 0; byte < 3; ++byte)
                packed[3 * j + byte] = static_cast<uint8_t>(word >> 8 * byte);
        }
    } else {
        std::memcpy(packed, codes, count);
    }
}

inline void unpack_codes(int bits, const uint8_t* packed, size_t count, uint8_t* codes) {
    if (bits == 4) {
        for (size_t j = 0; j < count / 2; ++j) {
            codes[2 * j] = packed[j] & 0x0F;
            codes[2 * j + 1] = packed[j] >> 4;
        }
    } else if (bits == 6) {
        for (size_t j = 0; j < count / 4; ++j) {
            const uint8_t* group = packed + 3 * j;
            const uint32_t word =
                group[0] | static_cast<uint32_t>(group[1]) << 8 | static_cast<uint32_t>(group[2]) << 16;
            for (int i = 0; i < 4; ++i) codes[4 * j + i] = word >> 6 * i & 0x3F;
        }
    } else {
        std::memcpy(codes, packed, count);
    }
}

} // namespace fp4
