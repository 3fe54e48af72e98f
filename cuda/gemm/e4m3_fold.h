// MXFP4 weights as E4M3 with their block scales folded in. Relative to the largest scale of its row a block
// has a scale of 2^-s; its elements times 2^(6 - s) are normal numbers of E4M3, and exact, for s from 0
// to 11. Then a step of s changes the codes of all elements but zero by the same number. FlashInfer (pull
// request 3738) and DeepGEMM (411) do the same.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libfp4/format/block_element.h"

namespace fp4::cuda {

inline constexpr int fold_top_exponent = 6; // of a row's largest scale in E4M3
inline constexpr int fold_steps = 12;       // s = 0 .. 11

// Codes of the eight magnitudes of E2M1, in byte order.
struct FoldedCodes {
    uint32_t low, high; // 0 0.5 1 1.5, 2 3 4 6
};
inline constexpr FoldedCodes folded_step{0x08080800, 0x08080808};

constexpr FoldedCodes folded_codes(int s) {
    const SmallFloat e2m1 = block_element(BlockFormat::mxfp4).magnitude,
                     e4m3 = block_element(BlockFormat::mxfp8_e4m3).magnitude;
    const float factor = exact_exp2(fold_top_exponent - s);
    FoldedCodes codes{0, 0};
    for (uint32_t code = 0; code < 8; ++code) {
        const float value = decode_magnitude(e2m1, code) * factor;
        const uint32_t byte = encode_magnitude(e4m3, magnitude_bits(value)) << 8 * (code % 4);
        (code < 4 ? codes.low : codes.high) |= byte;
    }
    return codes;
}

// Whether every element of an MXFP4 matrix is exact in that form. codes, scales: rows as in
// libfp4/format/block_format.h, no NaN scales.
bool folds_into_e4m3(const uint8_t* codes, const uint8_t* scales, size_t rows, size_t cols);

} // namespace fp4::cuda
