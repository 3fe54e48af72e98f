// 8 float32 lanes (AVX2, FMA, F16C), and the byte arithmetic of the integer kernels.
#pragma once

#include <immintrin.h>

namespace fp4::FP4_CPU_LEVEL {

inline constexpr size_t width = 8;
inline constexpr int tile_tokens = 3, tile_rows = 4; // matmul_f32 register tile: 12 of 16 registers

struct F {
    __m256 v;
};
struct I {
    __m256i v;
};

inline __m256i first(size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

inline F zero() {
    return {_mm256_setzero_ps()};
}
inline F set(float x) {
    return {_mm256_set1_ps(x)};
}
inline F load(const float* p) {
    return {_mm256_loadu_ps(p)};
}
inline F load(const float* p, size_t n) {
    return {_mm256_maskload_ps(p, first(n))};
} // n < width, zeros behind
inline void store(float* p, F x) {
    _mm256_storeu_ps(p, x.v);
}
inline void store(float* p, F x, size_t n) {
    _mm256_maskstore_ps(p, first(n), x.v);
}
inline F operator+(F a, F b) {
    return {_mm256_add_ps(a.v, b.v)};
}
inline F operator-(F a, F b) {
    return {_mm256_sub_ps(a.v, b.v)};
}
inline F operator*(F a, F b) {
    return {_mm256_mul_ps(a.v, b.v)};
}
inline F operator/(F a, F b) {
    return {_mm256_div_ps(a.v, b.v)};
}
inline F fma(F a, F b, F c) {
    return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
inline F min(F a, F b) {
    return {_mm256_min_ps(a.v, b.v)};
}
inline F max(F a, F b) {
    return {_mm256_max_ps(a.v, b.v)};
}
inline F magnitude(F a) {
    return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)};
}
inline F round(F a) {
    return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
inline F with_sign(F magnitude, F sign) {
    return {_mm256_or_ps(magnitude.v, _mm256_and_ps(sign.v, _mm256_set1_ps(-0.0f)))};
}
inline F zero_below(F x, F limit, F value) { // x < limit ? 0 : value
    return {_mm256_and_ps(_mm256_cmp_ps(x.v, limit.v, _CMP_NLT_UQ), value.v)};
}
// x >= 0 to the nearest number with so many mantissa bits, gradual underflow below min_exponent, ties to
// even: adding a power of two whose last place is the step rounds.
template <int mantissa_bits, int min_exponent>
F round_mantissa(F x) {
    __m256i exponent = _mm256_and_si256(_mm256_castps_si256(x.v), _mm256_set1_epi32(0x7F800000));
    exponent = _mm256_max_epi32(exponent, _mm256_set1_epi32((min_exponent + 127) << 23));
    __m256i rounder = _mm256_add_epi32(exponent, _mm256_set1_epi32((23 - mantissa_bits) << 23));
    __m256 r = _mm256_castsi256_ps(rounder);
    return {_mm256_sub_ps(_mm256_add_ps(x.v, r), r)};
}
inline F times_exp2(F x, F n) { // x 2^n in two steps, so that 2^n itself need not be a normal number
    __m256i whole = _mm256_cvtps_epi32(n.v), half = _mm256_srai_epi32(whole, 1);
    auto power = [](__m256i e) {
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(e, _mm256_set1_epi32(127)), 23));
    };
    return {_mm256_mul_ps(_mm256_mul_ps(x.v, power(half)), power(_mm256_sub_epi32(whole, half)))};
}
inline float sum(F a) {
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
inline float largest(F a) {
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}

// out[i] = sum of the lanes of v[i], i < 4.
inline void sum4(const F* v, float* out) {
    __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(v[0].v, v[1].v), _mm256_hadd_ps(v[2].v, v[3].v));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
}

inline F load_f16(const uint16_t* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
inline F load_f16(const uint16_t* p, size_t n) {
    uint16_t part[width] = {};
    __builtin_memcpy(part, p, n * 2);
    return load_f16(part);
}
inline void store_f16(uint16_t* p, F x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
}
inline void store_f16(uint16_t* p, F x, size_t n) {
    uint16_t part[width];
    store_f16(part, x);
    __builtin_memcpy(p, part, n * 2);
}
inline F load_bf16(const uint8_t* p) {
    __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16))};
}
inline F load_bf16(const uint8_t* p, size_t n) {
    uint8_t part[2 * width] = {};
    __builtin_memcpy(part, p, n * 2);
    return load_bf16(part);
}

// Lanes i and i ^ h: the sum in lanes without bit h, the difference (lower minus upper) in the others.
template <int h>
F butterfly(F x) {
    constexpr int upper = h == 1 ? 0xAA : h == 2 ? 0xCC : 0xF0;
    __m256 partner;
    if constexpr (h == 1) partner = _mm256_permute_ps(x.v, 0xB1);
    if constexpr (h == 2) partner = _mm256_permute_ps(x.v, 0x4E);
    if constexpr (h == 4) partner = _mm256_permute2f128_ps(x.v, x.v, 1);
    return {_mm256_blend_ps(_mm256_add_ps(partner, x.v), _mm256_sub_ps(partner, x.v), upper)};
}

inline I set_int(int32_t x) {
    return {_mm256_set1_epi32(x)};
}
inline I load_ints(const void* p) {
    return {_mm256_loadu_si256(static_cast<const __m256i*>(p))};
}
inline void store_ints(void* p, I x) {
    _mm256_storeu_si256(static_cast<__m256i*>(p), x.v);
}
inline I round_to_int(F x) {
    return {_mm256_cvtps_epi32(x.v)};
}
inline F to_float(I x) {
    return {_mm256_cvtepi32_ps(x.v)};
}
inline I magnitude_bits(F x) {
    return {_mm256_and_si256(_mm256_castps_si256(x.v), _mm256_set1_epi32(0x7FFFFFFF))};
}
inline I max(I a, I b) {
    return {_mm256_max_epi32(a.v, b.v)};
}
inline int32_t largest(I a) {
    __m128i x = _mm_max_epi32(_mm256_castsi256_si128(a.v), _mm256_extracti128_si256(a.v, 1));
    x = _mm_max_epi32(x, _mm_shuffle_epi32(x, 0x4E));
    return _mm_cvtsi128_si32(_mm_max_epi32(x, _mm_shuffle_epi32(x, 0xB1)));
}

// Weight bytes, 32 at a time; n < 32 bytes with zero codes behind.
inline I load_bytes(const uint8_t* p) {
    return load_ints(p);
}
inline I load_bytes(const uint8_t* p, size_t n) {
    uint8_t part[4 * width] = {};
    __builtin_memcpy(part, p, n);
    return load_ints(part);
}

// E2M1 times two plus 12, of the low and of the high nibbles.
inline void unpack_biased(I packed, I& low, I& high) {
    const __m256i table =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
    const __m256i nibble = _mm256_set1_epi8(15);
    low.v = _mm256_shuffle_epi8(table, _mm256_and_si256(packed.v, nibble));
    high.v = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(packed.v, 4), nibble));
}

// Lane i: acc + sum over its four bytes of u * s. u <= 24 unsigned, s signed.
inline I dot4(I acc, I u, I s) {
    return {_mm256_add_epi32(acc.v, _mm256_madd_epi16(_mm256_maddubs_epi16(u.v, s.v), _mm256_set1_epi16(1)))};
}
inline I dot8(I acc, I u0, I s0, I u1, I s1) { // 4 x 24 x 127 fits int16
    __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(u0.v, s0.v), _mm256_maddubs_epi16(u1.v, s1.v));
    return {_mm256_add_epi32(acc.v, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))};
}
// The same of signed weights (all 256 codes), |s| <= 127: |w| x (s with the sign of w), 2 x 128 x 127 fits
// int16.
inline constexpr int32_t int8_bias = 0;
inline I bias_int8(I w) {
    return w;
}
inline I dot8_int8(I acc, I w0, I s0, I w1, I s1) {
    auto products = [](__m256i w, __m256i s) {
        __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(s, w));
        return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
    };
    return {_mm256_add_epi32(acc.v, _mm256_add_epi32(products(w0.v, s0.v), products(w1.v, s1.v)))};
}
inline I negative(I x) {
    return {_mm256_sub_epi32(_mm256_setzero_si256(), x.v)};
}

// Groups of four bytes, from two vectors that follow each other: the even ones and the odd ones.
inline void split_groups(I low, I high, I& even, I& odd) {
    auto pick = [](__m256 x) { return _mm256_permute4x64_epi64(_mm256_castps_si256(x), 0xD8); };
    __m256 a = _mm256_castsi256_ps(low.v), b = _mm256_castsi256_ps(high.v);
    even.v = pick(_mm256_shuffle_ps(a, b, 0x88));
    odd.v = pick(_mm256_shuffle_ps(a, b, 0xDD));
}
// The same from the even and the odd bytes.
inline void interleave_groups(I even_bytes, I odd_bytes, I& even, I& odd) {
    __m256 low = _mm256_castsi256_ps(_mm256_unpacklo_epi8(even_bytes.v, odd_bytes.v));
    __m256 high = _mm256_castsi256_ps(_mm256_unpackhi_epi8(even_bytes.v, odd_bytes.v));
    even.v = _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0x88));
    odd.v = _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0xDD));
}
inline I broadcast4(const int8_t* p) {
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    return set_int(four);
}

// Two E8M0 scales to 8 lanes: the code becomes the exponent field. NaN is excluded (regular scales).
inline F expand_e8m0(uint32_t codes) {
    const __m256i place = _mm256_set_epi32(0x01808080, 0x01808080, 0x01808080, 0x01808080, 0x00808080,
                                           0x00808080, 0x00808080, 0x00808080);
    __m256i high = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(codes)), place);
    return {_mm256_castsi256_ps(_mm256_srli_epi32(high, 1))};
}
// Four UE4M3 scales to 8 lanes, times 2^-8: shifted by 7 the code is a float16, subnormals included.
inline F expand_ue4m3(uint64_t codes) {
    const __m128i place = _mm_setr_epi16(0x0080, 0x0080, 0x0180, 0x0180, 0x0280, 0x0280, 0x0380, 0x0380);
    __m128i high = _mm_shuffle_epi8(_mm_set1_epi64x(static_cast<long long>(codes)), place);
    return {_mm256_cvtph_ps(_mm_srli_epi16(high, 1))};
}

// Values of nibble `j` of every 32-bit lane: the magnitude by its low three bits, then the sign.
template <int j>
F e2m1_values(I packed) {
    const __m256 table = _mm256_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f);
    __m256 value = _mm256_permutevar8x32_ps(table, _mm256_srli_epi32(packed.v, 4 * j));
    __m256 sign = _mm256_castsi256_ps(_mm256_slli_epi32(packed.v, 28 - 4 * j));
    return {_mm256_xor_ps(value, _mm256_and_ps(sign, _mm256_set1_ps(-0.0f)))};
}

// `width` consecutive elements of a block format to their values; those that go over float16 leave a factor
// out.
inline F load_e2m1(const uint8_t* codes) {
    const __m256 table = _mm256_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f);
    int32_t four;
    __builtin_memcpy(&four, codes, 4);
    // A byte per 64 bits; its high nibble moves to the low bits of the upper half.
    __m256i bytes = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
    __m256i nibbles = _mm256_or_si256(bytes, _mm256_slli_epi64(bytes, 28));
    __m256 sign = _mm256_and_ps(_mm256_castsi256_ps(_mm256_slli_epi32(nibbles, 28)), _mm256_set1_ps(-0.0f));
    return {_mm256_xor_ps(_mm256_permutevar8x32_ps(table, nibbles), sign)};
}
inline __m128i widen_bytes(const uint8_t* codes) {
    return _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes)));
}
inline F load_e4m3(const uint8_t* codes) { // times 2^-8
    __m128i code = widen_bytes(codes);
    __m128i size = _mm_and_si128(code, _mm_set1_epi16(0x7F));
    __m128i nan = _mm_cmpeq_epi16(size, _mm_set1_epi16(0x7F));
    __m128i half = _mm_blendv_epi8(_mm_slli_epi16(size, 7), _mm_set1_epi16(0x7E00), nan);
    __m128i sign = _mm_slli_epi16(_mm_andnot_si128(_mm_set1_epi16(0x7F), code), 8);
    return {_mm256_cvtph_ps(_mm_or_si128(half, sign))};
}
inline F load_e5m2(const uint8_t* codes) {
    return {_mm256_cvtph_ps(_mm_slli_epi16(widen_bytes(codes), 8))};
}
template <int shift> // mantissa bits float16 has more than the element: 7 for E2M3 (times 2^-14), 8 for E3M2
                     // (times 2^-12)
F load_six_bit(const uint8_t* codes) {
    const __m128i place = _mm_setr_epi8(0, 1, 0, 1, 1, 2, 2, 3, 3, 4, 3, 4, 4, 5, 5, 6);
    const __m128i up = _mm_setr_epi16(1 << 10, 1 << 4, 1 << 6, 1 << 8, 1 << 10, 1 << 4, 1 << 6, 1 << 8);
    uint8_t part[16] = {};
    __builtin_memcpy(part, codes, 6);
    __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(part));
    __m128i code = _mm_srli_epi16(_mm_mullo_epi16(_mm_shuffle_epi8(bytes, place), up), 10);
    __m128i size = _mm_slli_epi16(_mm_and_si128(code, _mm_set1_epi16(0x1F)), shift);
    __m128i sign = _mm_slli_epi16(_mm_and_si128(code, _mm_set1_epi16(0x20)), 10);
    return {_mm256_cvtph_ps(_mm_or_si128(size, sign))};
}
inline F load_int8(const uint8_t* codes) {
    return {
        _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes))))};
}
inline F load_f16_bytes(const uint8_t* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
inline F load_f16_bytes(const uint8_t* p, size_t n) {
    uint8_t part[2 * width] = {};
    __builtin_memcpy(part, p, 2 * n);
    return load_f16_bytes(part);
}

// Low bytes of the lanes.
inline void store_int8(int8_t* p, I x) {
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(x.v), _mm256_extracti128_si256(x.v, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
}

} // namespace fp4::FP4_CPU_LEVEL
