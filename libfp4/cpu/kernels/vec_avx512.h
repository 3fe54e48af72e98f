// 16 float32 lanes (AVX-512 F, BW, VL, DQ), and the byte arithmetic of the integer kernels.
#pragma once

#include <immintrin.h>

namespace fp4::FP4_CPU_LEVEL {

inline constexpr size_t width = 16;
inline constexpr int tile_tokens = 6, tile_rows = 4; // matmul_f32 register tile: 24 of 32 registers

struct F {
    __m512 v;
};
struct I {
    __m512i v;
};

inline __mmask16 first(size_t n) {
    return static_cast<__mmask16>((1u << n) - 1);
}

inline F zero() {
    return {_mm512_setzero_ps()};
}
inline F set(float x) {
    return {_mm512_set1_ps(x)};
}
inline F load(const float* p) {
    return {_mm512_loadu_ps(p)};
}
inline F load(const float* p, size_t n) {
    return {_mm512_maskz_loadu_ps(first(n), p)};
} // n < width, zeros behind
inline void store(float* p, F x) {
    _mm512_storeu_ps(p, x.v);
}
inline void store(float* p, F x, size_t n) {
    _mm512_mask_storeu_ps(p, first(n), x.v);
}
inline F operator+(F a, F b) {
    return {_mm512_add_ps(a.v, b.v)};
}
inline F operator-(F a, F b) {
    return {_mm512_sub_ps(a.v, b.v)};
}
inline F operator*(F a, F b) {
    return {_mm512_mul_ps(a.v, b.v)};
}
inline F operator/(F a, F b) {
    return {_mm512_div_ps(a.v, b.v)};
}
inline F fma(F a, F b, F c) {
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
inline F min(F a, F b) {
    return {_mm512_min_ps(a.v, b.v)};
}
inline F max(F a, F b) {
    return {_mm512_max_ps(a.v, b.v)};
}
inline F magnitude(F a) {
    return {_mm512_abs_ps(a.v)};
}
inline F round(F a) {
    return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
inline F with_sign(F magnitude, F sign) {
    return {_mm512_or_ps(magnitude.v, _mm512_and_ps(sign.v, _mm512_set1_ps(-0.0f)))};
}
inline F zero_below(F x, F limit, F value) { // x < limit ? 0 : value
    return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, limit.v, _CMP_NLT_UQ), value.v)};
}
// x >= 0 to the nearest number with so many mantissa bits, gradual underflow below min_exponent, ties to
// even: adding a power of two whose last place is the step rounds.
template <int mantissa_bits, int min_exponent>
F round_mantissa(F x) {
    __m512i exponent = _mm512_and_si512(_mm512_castps_si512(x.v), _mm512_set1_epi32(0x7F800000));
    exponent = _mm512_max_epi32(exponent, _mm512_set1_epi32((min_exponent + 127) << 23));
    __m512i rounder = _mm512_add_epi32(exponent, _mm512_set1_epi32((23 - mantissa_bits) << 23));
    __m512 r = _mm512_castsi512_ps(rounder);
    return {_mm512_sub_ps(_mm512_add_ps(x.v, r), r)};
}
inline F times_exp2(F x, F n) {
    return {_mm512_scalef_ps(x.v, n.v)};
} // x 2^n
inline float sum(F a) {
    return _mm512_reduce_add_ps(a.v);
}
inline float largest(F a) {
    return _mm512_reduce_max_ps(a.v);
}

// out[i] = sum of the lanes of v[i], i < 4.
inline void sum4(const F* v, float* out) {
    __m256 half[4];
    for (int i = 0; i < 4; ++i)
        half[i] = _mm256_add_ps(_mm512_castps512_ps256(v[i].v), _mm512_extractf32x8_ps(v[i].v, 1));
    __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(half[0], half[1]), _mm256_hadd_ps(half[2], half[3]));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
}

inline F load_f16(const uint16_t* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
inline F load_f16(const uint16_t* p, size_t n) {
    return {_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p))};
}
inline void store_f16(uint16_t* p, F x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
}
inline void store_f16(uint16_t* p, F x, size_t n) {
    _mm256_mask_storeu_epi16(p, first(n), _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
}
inline F widen_bf16(__m256i halves) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16))};
}
inline F load_bf16(const uint8_t* p) {
    return widen_bf16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline F load_bf16(const uint8_t* p, size_t n) {
    return widen_bf16(_mm256_maskz_loadu_epi16(first(n), p));
}

// Lanes i and i ^ h: the sum in lanes without bit h, the difference (lower minus upper) in the others.
template <int h>
F butterfly(F x) {
    constexpr __mmask16 upper = h == 1 ? 0xAAAA : h == 2 ? 0xCCCC : h == 4 ? 0xF0F0 : 0xFF00;
    __m512 partner;
    if constexpr (h == 1) partner = _mm512_permute_ps(x.v, 0xB1);
    if constexpr (h == 2) partner = _mm512_permute_ps(x.v, 0x4E);
    if constexpr (h == 4) partner = _mm512_shuffle_f32x4(x.v, x.v, 0xB1);
    if constexpr (h == 8) partner = _mm512_shuffle_f32x4(x.v, x.v, 0x4E);
    return {_mm512_mask_sub_ps(_mm512_add_ps(partner, x.v), upper, partner, x.v)};
}

inline I set_int(int32_t x) {
    return {_mm512_set1_epi32(x)};
}
inline I load_ints(const void* p) {
    return {_mm512_loadu_si512(p)};
}
inline void store_ints(void* p, I x) {
    _mm512_storeu_si512(p, x.v);
}
inline I round_to_int(F x) {
    return {_mm512_cvtps_epi32(x.v)};
}
inline F to_float(I x) {
    return {_mm512_cvtepi32_ps(x.v)};
}
inline I magnitude_bits(F x) {
    return {_mm512_and_si512(_mm512_castps_si512(x.v), _mm512_set1_epi32(0x7FFFFFFF))};
}
inline I max(I a, I b) {
    return {_mm512_max_epi32(a.v, b.v)};
}
inline int32_t largest(I a) {
    return _mm512_reduce_max_epi32(a.v);
}

// Weight bytes, 64 at a time; n < 64 bytes with zero codes behind.
inline I load_bytes(const uint8_t* p) {
    return {_mm512_loadu_si512(p)};
}
inline I load_bytes(const uint8_t* p, size_t n) {
    return {_mm512_maskz_loadu_epi8((uint64_t(1) << n) - 1, p)};
}

// E2M1 times two plus 12, of the low and of the high nibbles.
inline void unpack_biased(I packed, I& low, I& high) {
    const __m512i table =
        _mm512_broadcast_i32x4(_mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
#if defined(__AVX512VBMI__)
    // vpermb looks at six bits: with the table four times over, the two above the nibble do not matter.
    low.v = _mm512_permutexvar_epi8(packed.v, table);
    high.v = _mm512_permutexvar_epi8(_mm512_srli_epi16(packed.v, 4), table);
#else
    const __m512i nibble = _mm512_set1_epi8(15);
    low.v = _mm512_shuffle_epi8(table, _mm512_and_si512(packed.v, nibble));
    high.v = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(packed.v, 4), nibble));
#endif
}

// Lane i: acc + sum over its four bytes of u * s. u <= 24 unsigned, s signed.
inline I dot4(I acc, I u, I s) {
#if defined(__AVX512VNNI__)
    return {_mm512_dpbusd_epi32(acc.v, u.v, s.v)};
#else
    return {_mm512_add_epi32(acc.v, _mm512_madd_epi16(_mm512_maddubs_epi16(u.v, s.v), _mm512_set1_epi16(1)))};
#endif
}
inline I dot8(I acc, I u0, I s0, I u1, I s1) {
#if defined(__AVX512VNNI__)
    return dot4(dot4(acc, u0, s0), u1, s1);
#else // 4 x 24 x 127 fits int16
    __m512i pairs = _mm512_add_epi16(_mm512_maddubs_epi16(u0.v, s0.v), _mm512_maddubs_epi16(u1.v, s1.v));
    return {_mm512_add_epi32(acc.v, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))};
#endif
}
// The same of signed weights plus int8_bias (bias_int8), all 256 codes; |s| <= 127.
#if defined(__AVX512VNNI__)
inline constexpr int32_t int8_bias = 128;
inline I bias_int8(I w) {
    return {_mm512_xor_si512(w.v, _mm512_set1_epi8(-128))};
}
inline I dot8_int8(I acc, I w0, I s0, I w1, I s1) {
    return dot8(acc, w0, s0, w1, s1);
}
#else // |w| x (s with the sign of w): 2 x 128 x 127 fits int16
inline constexpr int32_t int8_bias = 0;
inline I bias_int8(I w) {
    return w;
}
inline I dot8_int8(I acc, I w0, I s0, I w1, I s1) {
    auto products = [](__m512i w, __m512i s) {
        __m512i turned = _mm512_mask_sub_epi8(s, _mm512_movepi8_mask(w), _mm512_setzero_si512(), s);
        return _mm512_madd_epi16(_mm512_maddubs_epi16(_mm512_abs_epi8(w), turned), _mm512_set1_epi16(1));
    };
    return {_mm512_add_epi32(acc.v, _mm512_add_epi32(products(w0.v, s0.v), products(w1.v, s1.v)))};
}
#endif
inline I negative(I x) {
    return {_mm512_sub_epi32(_mm512_setzero_si512(), x.v)};
}

// Groups of four bytes, from two vectors that follow each other: the even ones and the odd ones.
inline void split_groups(I low, I high, I& even, I& odd) {
    const __m512i place = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    even.v = _mm512_permutex2var_epi32(low.v, place, high.v);
    odd.v = _mm512_permutex2var_epi32(low.v, _mm512_or_si512(place, _mm512_set1_epi32(1)), high.v);
}
// The same from the even and the odd bytes.
inline void interleave_groups(I even_bytes, I odd_bytes, I& even, I& odd) {
    __m512 low = _mm512_castsi512_ps(_mm512_unpacklo_epi8(even_bytes.v, odd_bytes.v));
    __m512 high = _mm512_castsi512_ps(_mm512_unpackhi_epi8(even_bytes.v, odd_bytes.v));
    even.v = _mm512_castps_si512(_mm512_shuffle_ps(low, high, 0x88));
    odd.v = _mm512_castps_si512(_mm512_shuffle_ps(low, high, 0xDD));
}
inline I broadcast4(const int8_t* p) {
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    return set_int(four);
}

// Four E8M0 scales to 16 lanes: the code becomes the exponent field. NaN is excluded (regular scales).
inline F expand_e8m0(uint32_t codes) {
    const __m512i place = _mm512_set_epi32(
        0x03808080, 0x03808080, 0x03808080, 0x03808080, 0x02808080, 0x02808080, 0x02808080, 0x02808080,
        0x01808080, 0x01808080, 0x01808080, 0x01808080, 0x00808080, 0x00808080, 0x00808080, 0x00808080);
    __m512i high = _mm512_shuffle_epi8(_mm512_set1_epi32(static_cast<int>(codes)), place);
    return {_mm512_castsi512_ps(_mm512_srli_epi32(high, 1))};
}
// Eight UE4M3 scales to 16 lanes, times 2^-8: shifted by 7 the code is a float16, subnormals included.
inline F expand_ue4m3(uint64_t codes) {
    const __m256i place = _mm256_setr_epi16(0x0080, 0x0080, 0x0180, 0x0180, 0x0280, 0x0280, 0x0380, 0x0380,
                                            0x0480, 0x0480, 0x0580, 0x0580, 0x0680, 0x0680, 0x0780, 0x0780);
    __m256i high = _mm256_shuffle_epi8(_mm256_set1_epi64x(static_cast<long long>(codes)), place);
    return {_mm512_cvtph_ps(_mm256_srli_epi16(high, 1))};
}

// Values of nibble `j` of every 32-bit lane.
template <int j>
F e2m1_values(I packed) {
    const __m512 table = _mm512_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f, -0.0f, -0.5f, -1.0f,
                                        -1.5f, -2.0f, -3.0f, -4.0f, -6.0f);
    return {_mm512_permutexvar_ps(_mm512_srli_epi32(packed.v, 4 * j), table)};
}

// `width` consecutive elements of a block format to their values; those that go over float16 leave a factor
// out.
inline F load_e2m1(const uint8_t* codes) {
    const __m512 table = _mm512_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f, -0.0f, -0.5f, -1.0f,
                                        -1.5f, -2.0f, -3.0f, -4.0f, -6.0f);
    // A byte per 64 bits; its high nibble moves to the low bits of the upper half.
    __m512i bytes = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes)));
    return {_mm512_permutexvar_ps(_mm512_or_si512(bytes, _mm512_slli_epi64(bytes, 28)), table)};
}
inline __m256i widen_bytes(const uint8_t* codes) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
}
inline F load_e4m3(const uint8_t* codes) { // times 2^-8
    __m256i code = widen_bytes(codes);
    __m256i size = _mm256_and_si256(code, _mm256_set1_epi16(0x7F));
    __m256i half = _mm256_slli_epi16(size, 7);
    half = _mm256_mask_mov_epi16(half, _mm256_cmpeq_epi16_mask(size, _mm256_set1_epi16(0x7F)),
                                 _mm256_set1_epi16(0x7E00));
    __m256i sign = _mm256_slli_epi16(_mm256_andnot_si256(_mm256_set1_epi16(0x7F), code), 8);
    return {_mm512_cvtph_ps(_mm256_or_si256(half, sign))};
}
inline F load_e5m2(const uint8_t* codes) {
    return {_mm512_cvtph_ps(_mm256_slli_epi16(widen_bytes(codes), 8))};
}
template <int shift> // mantissa bits float16 has more than the element: 7 for E2M3 (times 2^-14), 8 for E3M2
                     // (times 2^-12)
F load_six_bit(const uint8_t* codes) {
    const __m256i place = _mm256_setr_epi8(0, 1, 0, 1, 1, 2, 2, 3, 3, 4, 3, 4, 4, 5, 5, 6, 6, 7, 6, 7, 7, 8,
                                           8, 9, 9, 10, 9, 10, 10, 11, 11, 12);
    const __m256i down = _mm256_setr_epi16(0, 6, 4, 2, 0, 6, 4, 2, 0, 6, 4, 2, 0, 6, 4, 2);
    __m128i bytes = _mm_maskz_loadu_epi8(0x0FFF, codes);
    __m256i code = _mm256_srlv_epi16(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), place), down);
    __m256i size = _mm256_slli_epi16(_mm256_and_si256(code, _mm256_set1_epi16(0x1F)), shift);
    __m256i sign = _mm256_slli_epi16(_mm256_and_si256(code, _mm256_set1_epi16(0x20)), 10);
    return {_mm512_cvtph_ps(_mm256_or_si256(size, sign))};
}
inline F load_int8(const uint8_t* codes) {
    return {
        _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes))))};
}
inline F load_f16_bytes(const uint8_t* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
inline F load_f16_bytes(const uint8_t* p, size_t n) {
    return {_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p))};
}

// Low bytes of the lanes.
inline void store_int8(int8_t* p, I x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(x.v));
}

} // namespace fp4::FP4_CPU_LEVEL
