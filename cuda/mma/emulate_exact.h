// Bit model of the block-scaled m16n8k64 instruction: every 16-element group is summed exactly and multiplied
// by its two scale significands; group terms and the accumulator are aligned to the largest exponent, cut off
// 35 bits below it, added, and the sum is rounded toward zero (MMA-Sim, arXiv 2511.10909).
#pragma once

#include "cuda/mma/nibble.h"
#include "libfp4/format/block_format.h"

namespace fp4::cuda {

struct ScaleParts {
    int significand; // times 8 for UE4M3
    int exponent;
    bool nan;
};

template <BlockFormat format>
__device__ __forceinline__ ScaleParts split_scale(uint32_t byte) {
    if constexpr (format == BlockFormat::mxfp4) return {1, static_cast<int>(byte) - 127, byte == 0xFF};
    const int exponent = static_cast<int>(byte >> 3 & 15), mantissa = static_cast<int>(byte & 7);
    return {exponent > 0 ? 8 + mantissa : mantissa, (exponent > 0 ? exponent : 1) - 7, (byte & 0x7F) == 0x7F};
}

// 2^exponent, at least 2^-1022.
__device__ __forceinline__ double exact_power(int exponent) {
    return __longlong_as_double(static_cast<long long>((exponent > -1022 ? exponent : -1022) + 1023) << 52);
}

// Byte of a scale word that covers 16-element group 0..3 of a k64 step.
template <BlockFormat format, int byte_id>
__device__ __forceinline__ uint32_t scale_byte(uint32_t word, int group) {
    return word >> 8 * (format == BlockFormat::mxfp4 ? byte_id + group / 2 : group) & 0xFF;
}

// One output: groups[4] in units of 1/4, scale words of its row and column.
template <BlockFormat format, int byte_id_a, int byte_id_b>
__device__ __forceinline__ float add_groups(float c, const int (&groups)[4], uint32_t row_scales,
                                            uint32_t column_scales) {
    constexpr int kept_bits = 35;
    constexpr int unit = format == BlockFormat::nvfp4 ? 8 : 2; // log2 of what one integer step is divided by
    const uint32_t c_bits = __float_as_uint(c) & 0x7FFFFFFF;
    const uint32_t c_exponent = c_bits >> 23;
    if (c_exponent == 0xFF) return c;
    int top = c_bits == 0 ? -1000 : static_cast<int>(c_exponent > 0 ? c_exponent : 1) - 127;
    int exponents[4], significands[4];
    for (int group = 0; group < 4; ++group) {
        const ScaleParts a = split_scale<format>(scale_byte<format, byte_id_a>(row_scales, group));
        const ScaleParts b = split_scale<format>(scale_byte<format, byte_id_b>(column_scales, group));
        if (a.nan || b.nan) return __uint_as_float(0x7FFFFFFF);
        exponents[group] = a.exponent + b.exponent;
        significands[group] = a.significand * b.significand;
        top = exponents[group] > top ? exponents[group] : top;
    }
    double sum = trunc(static_cast<double>(c) * exact_power(kept_bits - top));
    for (int group = 0; group < 4; ++group)
        sum += trunc(static_cast<double>(groups[group] * significands[group]) *
                     exact_power(exponents[group] - top + kept_bits - unit));
    return __double2float_rz(sum * exact_power(top - kept_bits));
}

// Fragments and scale words as the instruction takes them: see mma_fp4.h.
template <BlockFormat format, int byte_id_a, int thread_id_a, int byte_id_b, int thread_id_b>
__device__ __forceinline__ void mma_fp4_exact(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                              uint32_t scales_a, uint32_t scales_b) {
    const int lane = static_cast<int>(threadIdx.x & 31), quad = lane & ~3, t = lane & 3;
    int groups[4][4] = {}; // [output][16-element group]
    for (int q = 0; q < 4; ++q) {
        uint32_t row_words[4];
        for (int r = 0; r < 4; ++r) row_words[r] = __shfl_sync(0xFFFFFFFFu, a[r], quad + q);
        for (int column = 0; column < 2; ++column)
            for (int half = 0; half < 2; ++half) {
                const uint32_t word = __shfl_sync(0xFFFFFFFFu, b[half], 4 * (2 * t + column) + q);
                for (int row = 0; row < 2; ++row) {
                    int& sum = groups[2 * row + column][2 * half + q / 2];
                    sum = dot_e2m1(row_words[2 * half + row], word, sum);
                }
            }
    }
    uint32_t row_scales[2], column_scales[2];
    for (int i = 0; i < 2; ++i) {
        row_scales[i] = __shfl_sync(0xFFFFFFFFu, scales_a, quad + 2 * thread_id_a + i);
        column_scales[i] = __shfl_sync(0xFFFFFFFFu, scales_b, 4 * (2 * t + i) + thread_id_b);
    }
    for (int j = 0; j < 4; ++j)
        d[j] = add_groups<format, byte_id_a, byte_id_b>(d[j], groups[j], row_scales[j / 2],
                                                        column_scales[j % 2]);
}

} // namespace fp4::cuda
