// The block-scaled m16n8k64 product on fp16 tensor cores: four m16n8k16 instructions, no data moves between
// lanes, since any order of k that both operands share gives the same sum. Products are exact; sums are the
// tensor core's.
#pragma once

#include "cuda/mma/nibble.h"
#include "libfp4/format/block_format.h"

namespace fp4::cuda {

// 2^(byte - 127), NaN for 255.
__device__ __forceinline__ float e8m0_value(uint32_t byte) {
    return __uint_as_float(byte == 0 ? 0x00400000u : byte == 0xFF ? 0x7FC00000u : byte << 23);
}

// A UE4M3 scale twice, as fp16.
__device__ __forceinline__ uint32_t ue4m3_f16x2(uint32_t byte) {
    const uint32_t code = byte & 0x7F;
    const uint32_t half = code == 0x7F ? 0x7E00u : code << 7;
    return multiply_f16x2(half | half << 16, f16x2_two_to_8);
}

// The scale words of the two rows and two columns of a lane's sums.
struct OutputScales {
    uint32_t rows[2], columns[2];
};
template <int thread_id_a, int thread_id_b>
__device__ __forceinline__ OutputScales output_scales(uint32_t scales_a, uint32_t scales_b) {
    const int lane = static_cast<int>(threadIdx.x & 31), quad = lane & ~3, t = lane & 3;
    OutputScales scales;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        scales.rows[i] = __shfl_sync(0xFFFFFFFFu, scales_a, quad + 2 * thread_id_a + i);
        scales.columns[i] = __shfl_sync(0xFFFFFFFFu, scales_b, 4 * (2 * t + i) + thread_id_b);
    }
    return scales;
}

// MXFP4: sums of 32 products are exact; scales are applied to them in float32.
template <int byte_id_a, int thread_id_a, int byte_id_b, int thread_id_b>
__device__ __forceinline__ void mma_mxfp4_fast(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                               uint32_t scales_a, uint32_t scales_b) {
    const OutputScales scales = output_scales<thread_id_a, thread_id_b>(scales_a, scales_b);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        const uint32_t rows[2] = {a[2 * half], a[2 * half + 1]};
        const uint32_t a0[4] = {e2m1_pair<0>(rows[0]), e2m1_pair<0>(rows[1]), e2m1_pair<1>(rows[0]),
                                e2m1_pair<1>(rows[1])};
        const uint32_t a1[4] = {e2m1_pair<2>(rows[0]), e2m1_pair<2>(rows[1]), e2m1_pair<3>(rows[0]),
                                e2m1_pair<3>(rows[1])};
        const uint32_t b0[2] = {multiply_f16x2(e2m1_pair<0>(b[half]), f16x2_two_to_14),
                                multiply_f16x2(e2m1_pair<1>(b[half]), f16x2_two_to_14)};
        const uint32_t b1[2] = {multiply_f16x2(e2m1_pair<2>(b[half]), f16x2_two_to_14),
                                multiply_f16x2(e2m1_pair<3>(b[half]), f16x2_two_to_14)};
        float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f}; // x 2^-14
        mma_f16(sums, a0, b0);
        mma_f16(sums, a1, b1);
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            const float row = e8m0_value(scales.rows[j / 2] >> 8 * (byte_id_a + half) & 0xFF);
            const float column = e8m0_value(scales.columns[j % 2] >> 8 * (byte_id_b + half) & 0xFF);
            d[j] = __fadd_rn(d[j], __fmul_rn(__fmul_rn(__fmul_rn(sums[j], 0x1p14f), row), column));
        }
    }
}

// NVFP4: element x scale is exact in fp16. A lane's words lie in group 2 half + t / 2 of its own rows and
// column, whose scales its own quad holds.
template <int thread_id_a, int thread_id_b>
__device__ __forceinline__ void mma_nvfp4_fast(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                               uint32_t scales_a, uint32_t scales_b) {
    const int lane = static_cast<int>(threadIdx.x & 31), quad = lane & ~3, t = lane & 3;
    const uint32_t row_scales[2] = {__shfl_sync(0xFFFFFFFFu, scales_a, quad + 2 * thread_id_a),
                                    __shfl_sync(0xFFFFFFFFu, scales_a, quad + 2 * thread_id_a + 1)};
    const uint32_t column_scales = __shfl_sync(0xFFFFFFFFu, scales_b, quad + thread_id_b);
    float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    auto scaled = [](uint32_t pair, uint32_t scale) {
        return multiply_f16x2(multiply_f16x2(pair, f16x2_two_to_14), scale);
    };
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        const int shift = 8 * (2 * half + t / 2);
        const uint32_t s0 = ue4m3_f16x2(row_scales[0] >> shift & 0xFF);
        const uint32_t s1 = ue4m3_f16x2(row_scales[1] >> shift & 0xFF);
        const uint32_t s = ue4m3_f16x2(column_scales >> shift & 0xFF);
        const uint32_t rows[2] = {a[2 * half], a[2 * half + 1]}, column = b[half];
        const uint32_t a0[4] = {scaled(e2m1_pair<0>(rows[0]), s0), scaled(e2m1_pair<0>(rows[1]), s1),
                                scaled(e2m1_pair<1>(rows[0]), s0), scaled(e2m1_pair<1>(rows[1]), s1)};
        const uint32_t a1[4] = {scaled(e2m1_pair<2>(rows[0]), s0), scaled(e2m1_pair<2>(rows[1]), s1),
                                scaled(e2m1_pair<3>(rows[0]), s0), scaled(e2m1_pair<3>(rows[1]), s1)};
        const uint32_t b0[2] = {scaled(e2m1_pair<0>(column), s), scaled(e2m1_pair<1>(column), s)};
        const uint32_t b1[2] = {scaled(e2m1_pair<2>(column), s), scaled(e2m1_pair<3>(column), s)};
        mma_f16(sums, a0, b0);
        mma_f16(sums, a1, b1);
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) d[j] = __fadd_rn(d[j], sums[j]);
}

// Two E4M3 bytes of a word as fp16 of value x 2^-8; selector picks the bytes into bits 15:8 of each half.
__device__ __forceinline__ uint32_t e4m3_pair(uint32_t word, uint32_t selector) {
    const uint32_t bytes = __byte_perm(word, 0, selector);
    return (bytes & 0x80008000) | (bytes & 0x7F007F00) >> 1;
}
// Two E2M1 codes in bits 5:2 of bytes as fp16 of value x 2^-14.
__device__ __forceinline__ uint32_t e2m1_byte_pair(uint32_t word, uint32_t selector) {
    const uint32_t bytes = __byte_perm(word, 0, selector);
    return (bytes & 0x20002000) << 2 | (bytes & 0x1C001C00) >> 1;
}

// MXFP4 in 8-bit containers x MXFP8 (E4M3), m16n8k32: mma_e2m1_e4m3 in mma_fp4.h. The E4M3 NaN is not
// modelled.
template <int byte_id_a, int thread_id_a, int byte_id_b, int thread_id_b>
__device__ __forceinline__ void mma_e2m1_e4m3_fast(float (&d)[4], const uint32_t (&a)[4],
                                                   const uint32_t (&b)[2], uint32_t scales_a,
                                                   uint32_t scales_b) {
    const OutputScales scales = output_scales<thread_id_a, thread_id_b>(scales_a, scales_b);
    float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f}; // x 2^-8
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        uint32_t rows[4];
#pragma unroll
        for (int i = 0; i < 4; ++i)
            rows[i] =
                multiply_f16x2(e2m1_byte_pair(a[2 * half + i % 2], i < 2 ? 0x1404 : 0x3424), f16x2_two_to_14);
        const uint32_t columns[2] = {e4m3_pair(b[half], 0x1404), e4m3_pair(b[half], 0x3424)};
        mma_f16(sums, rows, columns);
    }
#pragma unroll
    for (int j = 0; j < 4; ++j) {
        const float row = e8m0_value(scales.rows[j / 2] >> 8 * byte_id_a & 0xFF);
        const float column = e8m0_value(scales.columns[j % 2] >> 8 * byte_id_b & 0xFF);
        d[j] = __fadd_rn(d[j], __fmul_rn(__fmul_rn(__fmul_rn(sums[j], 0x1p8f), row), column));
    }
}

} // namespace fp4::cuda
