// Stores activations as the matrix kernels want them (fp4_layout.h). A warp takes a run of 128 columns of one
// row, four columns a lane; all lanes call.
#pragma once

#include "cuda/gemm/operand_view.h"
#include "cuda/mma/lane.h"

namespace fp4::cuda {

// Combines the words of all lanes whose number differs in the given bits.
template <int first_bit, int last_bit>
__device__ __forceinline__ uint32_t combine_lanes(uint32_t word) {
#pragma unroll
    for (int bit = first_bit; bit <= last_bit; bit *= 2) word |= __shfl_xor_sync(0xFFFFFFFFu, word, bit);
    return word;
}

// codes: of columns column .. column + 3, the first in the lowest bits (4, or 8 of E4M3). scale: of their
// block.
template <BlockFormat format>
__device__ __forceinline__ void store_block_run(const GemmOperand& to, uint32_t row, uint32_t column,
                                                uint32_t codes, uint32_t scale) {
    const uint32_t lane = threadIdx.x % 32;
    uint8_t* row_codes = to.codes + row * code_row_bytes(format, to.cols);
    if constexpr (format == BlockFormat::mxfp8_e4m3) {
        *reinterpret_cast<uint16_t*>(row_codes + e4m3_offset(column)) =
            static_cast<uint16_t>(__byte_perm(codes, 0, 0x4420));
        *reinterpret_cast<uint16_t*>(row_codes + e4m3_offset(column + 1)) =
            static_cast<uint16_t>(__byte_perm(codes, 0, 0x4431));
    } else {
        *reinterpret_cast<uint16_t*>(row_codes + column / 2) = static_cast<uint16_t>(codes);
    }
    uint8_t* scales = to.scales + scale_offset(format, to.cols, row, column / 128 * tile_scales(format));
    if constexpr (format == BlockFormat::nvfp4) {
        const uint32_t word = combine_lanes<4, 8>(scale << lane / 4 % 4 * 8);
        if (lane % 16 == 0) *reinterpret_cast<uint32_t*>(scales + lane / 16 * 4) = word;
    } else {
        const uint32_t word = combine_lanes<8, 16>(scale << lane / 8 * 8);
        if (lane == 0) *reinterpret_cast<uint32_t*>(scales) = word;
    }
}

// codes: E4M3, of columns column .. column + 3, the first in the lowest byte.
__device__ __forceinline__ void store_e4m3_run(const GemmOperand& to, uint32_t row, uint32_t column,
                                               uint32_t codes) {
    *reinterpret_cast<uint32_t*>(to.e4m3 + e4m3_panel_offset(to.panel_rows, row, column)) = codes;
}

// Pairs (x0, x4), (x1, x5) of eight neighbouring values in an even lane, (x2, x6), (x3, x7) in an odd one, as
// f16. v: a lane's four of them.
__device__ __forceinline__ uint2 interleaved_pairs(const float (&v)[4]) {
    const bool odd = threadIdx.x & 1;
    const float first = __shfl_xor_sync(0xFFFFFFFFu, odd ? v[0] : v[2], 1);
    const float second = __shfl_xor_sync(0xFFFFFFFFu, odd ? v[1] : v[3], 1);
    return odd ? uint2{pack_f16x2(first, v[2]), pack_f16x2(second, v[3])}
               : uint2{pack_f16x2(v[0], first), pack_f16x2(v[1], second)};
}

// Values of columns column .. column + 3, already divided by the row's scale.
__device__ __forceinline__ void store_half_run(const GemmOperand& to, uint32_t row, uint32_t column,
                                               const float (&v)[4]) {
    const uint2 pairs = interleaved_pairs(v);
    const uint32_t words[2] = {pairs.x, pairs.y};
    const uint32_t start =
        (column & ~7u) + (threadIdx.x & 1 ? 2 : 0); // the column in the low half of the first pair
#pragma unroll
    for (uint32_t i = 0; i < 2; ++i)
        *reinterpret_cast<uint32_t*>(to.half + half_offset(to.panel_rows, row, start + i)) = words[i];
}

} // namespace fp4::cuda
