// Eight E2M1 codes in a 32-bit word to operands of other instructions. Nibble i is bits 4i+3 : 4i, its sign
// the highest of the four.
#pragma once

#include "cuda/mma/lane.h"

namespace fp4::cuda {

__device__ __forceinline__ uint32_t word_of(const uint4& words, uint32_t index) {
    return index == 0 ? words.x : index == 1 ? words.y : index == 2 ? words.z : words.w;
}

// The codes of nibbles 0..3 as signed bytes of twice their value: two tables of magnitudes, one of signs.
__device__ __forceinline__ int e2m1_times_two(uint32_t nibbles) {
    const uint32_t magnitudes = nibbles & 0x7777;
    const uint32_t positive = __byte_perm(0x03020100, 0x0C080604, magnitudes);
    const uint32_t negative = __byte_perm(0xFDFEFF00, 0xF4F8FAFC, magnitudes);
    return static_cast<int>(__byte_perm(positive, negative, 0x3210 | (nibbles & 0x8888) >> 1));
}

// sum + the dot product of two words, in units of 1/4.
__device__ __forceinline__ int dot_e2m1(uint32_t a, uint32_t b, int sum) {
    sum = __dp4a(e2m1_times_two(a), e2m1_times_two(b), sum);
    return __dp4a(e2m1_times_two(a >> 16), e2m1_times_two(b >> 16), sum);
}

// Pair j: nibble j in bits 15:0 and nibble j + 4 in bits 31:16, as fp16 of value x 2^-14 (0.5 is a subnormal;
// multiplication makes it exact again).
template <int j>
__device__ __forceinline__ uint32_t e2m1_pair(uint32_t word) {
    const uint32_t w = word << (12 - 4 * j);
    return (w & 0x80008000) | (w & 0x70007000) >> 3;
}

inline constexpr uint32_t f16x2_two_to_14 = 0x74007400;
inline constexpr uint32_t f16x2_two_to_8 = 0x5C005C00;

} // namespace fp4::cuda
