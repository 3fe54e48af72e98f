// E2M1 codes to f16 operands of mma.m16n8k16, and the instruction.
#pragma once

#include <cuda_fp16.h>

#include <cstdint>

#include "cuda/mma/nibble.h"

namespace fp4::cuda {

// A code's sign goes to the sign of an f16, its three magnitude bits to the two lowest exponent bits and the
// highest mantissa bit: the value x 2^-14, subnormal for 0.5.
inline constexpr float e2m1_half_unit = 0x1p-14f;
// An E4M3 code (without sign) shifted into an f16 is the scale x 2^-8. Times 2^15 it is an f16 that
// multiplies an element exactly: products have six significant bits and lie on the grid of 2^-24.
inline constexpr float e4m3_half_unit = 0x1p7f;

// The upper bytes of the f16 of a word's eight codes: bytes of `even` for codes 0 2 4 6, of `odd` for 1 3
// 5 7.
__device__ inline void e2m1_bytes(uint32_t word, uint32_t& even, uint32_t& odd) {
    even = (word << 4 & 0x80808080u) | (word << 1 & 0x0E0E0E0Eu);
    odd = (word & 0x80808080u) | (word >> 3 & 0x0E0E0E0Eu);
}
__device__ inline uint32_t bytes_0_2(uint32_t bytes) {
    return __byte_perm(bytes, 0, 0x2404);
}
__device__ inline uint32_t bytes_1_3(uint32_t bytes) {
    return bytes & 0xFF00FF00u;
}

// Eight codes of two rows (g and g + 8): operand A of two instructions, for columns (0, 4), (1, 5) and (2,
// 6), (3, 7).
__device__ inline void e2m1_fragments(uint32_t upper, uint32_t lower, uint32_t (&first)[4],
                                      uint32_t (&second)[4]) {
    uint32_t upper_even, upper_odd, lower_even, lower_odd;
    e2m1_bytes(upper, upper_even, upper_odd);
    e2m1_bytes(lower, lower_even, lower_odd);
    first[0] = bytes_0_2(upper_even), first[1] = bytes_0_2(lower_even);
    first[2] = bytes_0_2(upper_odd), first[3] = bytes_0_2(lower_odd);
    second[0] = bytes_1_3(upper_even), second[1] = bytes_1_3(lower_even);
    second[2] = bytes_1_3(upper_odd), second[3] = bytes_1_3(lower_odd);
}

// Byte `index` (0..3) of a word of E4M3 codes as a pair of equal f16 factors.
__device__ inline __half2 e4m3_factor(uint32_t word, uint32_t index) {
    const uint32_t shifted = __byte_perm(word, 0, 0x4040 | index << 8 | index) << 7;
    return __hmul2(reinterpret_cast<const __half2&>(shifted), __float2half2_rn(0x1p15f));
}

__device__ inline void scale_fragment(uint32_t& pair, __half2 factor) {
    const __half2 product = __hmul2(reinterpret_cast<const __half2&>(pair), factor);
    pair = reinterpret_cast<const uint32_t&>(product);
}

// Byte `index` of a word of E8M0 codes as a float32. Code 0 becomes 0 instead of 2^-127, code 255 infinity.
__device__ inline float e8m0_factor(uint32_t word, uint32_t index) {
    const uint32_t shifted = index == 3 ? word >> 1 : word << (23 - 8 * index);
    return __uint_as_float(shifted & 0x7F800000u);
}

// d += a b; a: 16 x 16, b: 16 x 8, f16; d: float32 (PTX ISA, mma.m16n8k16).
__device__ inline void mma_f16(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Weights are read once: they must not push the inputs out of the first-level cache. Volatile, so that the
// load starts where it is written.
__device__ inline uint4 load_once(const uint4* source) {
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(source));
    return v;
}

} // namespace fp4::cuda
