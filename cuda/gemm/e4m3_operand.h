// MXFP4 weights in registers to E4M3 operand A (e4m3_fold.h).
#pragma once

#include "cuda/gemm/e4m3_fold.h"
#include "cuda/gemm/w4a16_kernel.h"

namespace fp4::cuda {

// Of a row, in which scale code c has the codes `of_zero` + c folded_step. Blocks beyond the range hold
// zeros, whose byte stays 0.
__device__ __forceinline__ FoldedCodes row_codes(int exponent_bias) {
    constexpr FoldedCodes top = folded_codes(0);
    const auto top_code = static_cast<uint32_t>(mxfp4_top_exponent - exponent_bias);
    return {top.low - top_code * folded_step.low, top.high - top_code * folded_step.high};
}

// Byte `byte` of a scale word.
__device__ __forceinline__ FoldedCodes block_codes(const FoldedCodes& of_row, uint32_t word, int byte) {
    const uint32_t code = word >> 8 * byte & 0xFF;
    return {of_row.low + code * folded_step.low, of_row.high + code * folded_step.high};
}

// Eight elements to E4M3: the lower four nibbles, the upper four.
__device__ __forceinline__ void fold_word(uint32_t& lower, uint32_t& upper, uint32_t word,
                                          FoldedCodes codes) {
    constexpr uint32_t signs = 0x80808080u;
    const uint32_t magnitudes = word & 0x77777777u;
    // 0x80 stays what it is for a selector without its highest bit, else it becomes 0xFF.
    lower =
        permute_bytes(codes.low, codes.high, magnitudes) | (permute_bytes(signs, signs, word) << 1 & signs);
    upper = permute_bytes(codes.low, codes.high, magnitudes >> 16) |
            (permute_bytes(signs, signs, word >> 16) << 1 & signs);
}

// Operand A of 64 columns, two steps, from a lane's words of a tile.
__device__ __forceinline__ void fold_tile(uint32_t (&first)[4], uint32_t (&second)[4], const uint4& words,
                                          uint32_t scale_word, const FoldedCodes (&rows)[2]) {
    fold_word(first[0], first[2], words.x, block_codes(rows[0], scale_word, 0));
    fold_word(first[1], first[3], words.y, block_codes(rows[1], scale_word, 1));
    fold_word(second[0], second[2], words.z, block_codes(rows[0], scale_word, 2));
    fold_word(second[1], second[3], words.w, block_codes(rows[1], scale_word, 3));
}

} // namespace fp4::cuda
