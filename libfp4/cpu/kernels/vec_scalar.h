// 8 float32 lanes in plain C++: loops of a fixed length that compilers turn into whatever the baseline has.
#pragma once

#include "libfp4/format/element.h"

namespace fp4::FP4_CPU_LEVEL {

inline constexpr size_t width = 8;
inline constexpr int tile_tokens = 2, tile_rows = 2; // matmul_f32 register tile

struct F {
    float v[width];
};
struct I {
    int32_t v[width];
};

template <class Op>
F each(Op op) {
    F result;
    for (size_t i = 0; i < width; ++i) result.v[i] = op(i);
    return result;
}
template <class Op>
I each_int(Op op) {
    I result;
    for (size_t i = 0; i < width; ++i) result.v[i] = op(i);
    return result;
}

inline F set(float x) {
    return each([&](size_t) { return x; });
}
inline F zero() {
    return set(0.0f);
}
inline F load(const float* p) {
    F result;
    __builtin_memcpy(&result, p, sizeof result);
    return result;
}
inline F load(const float* p, size_t n) { // n < width, zeros behind
    F result = zero();
    __builtin_memcpy(&result, p, n * 4);
    return result;
}
inline void store(float* p, F x) {
    __builtin_memcpy(p, &x, sizeof x);
}
inline void store(float* p, F x, size_t n) {
    __builtin_memcpy(p, &x, n * 4);
}
inline F operator+(F a, F b) {
    return each([&](size_t i) { return a.v[i] + b.v[i]; });
}
inline F operator-(F a, F b) {
    return each([&](size_t i) { return a.v[i] - b.v[i]; });
}
inline F operator*(F a, F b) {
    return each([&](size_t i) { return a.v[i] * b.v[i]; });
}
inline F operator/(F a, F b) {
    return each([&](size_t i) { return a.v[i] / b.v[i]; });
}
inline F fma(F a, F b, F c) {
    return a * b + c;
}
inline F min(F a, F b) {
    return each([&](size_t i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
}
inline F max(F a, F b) {
    return each([&](size_t i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
inline F magnitude(F a) {
    return each([&](size_t i) { return __builtin_fabsf(a.v[i]); });
}
inline F round(F a) {
    return each([&](size_t i) { return __builtin_rintf(a.v[i]); });
}
inline F with_sign(F magnitude, F sign) {
    return each([&](size_t i) { return __builtin_copysignf(magnitude.v[i], sign.v[i]); });
}
inline F zero_below(F x, F limit, F value) { // x < limit ? 0 : value
    return each([&](size_t i) { return x.v[i] < limit.v[i] ? 0.0f : value.v[i]; });
}
// x >= 0 to the nearest number with so many mantissa bits, gradual underflow below min_exponent, ties to
// even: adding a power of two whose last place is the step rounds.
template <int mantissa_bits, int min_exponent>
F round_mantissa(F x) {
    return each([&](size_t i) {
        int32_t bits;
        __builtin_memcpy(&bits, &x.v[i], 4);
        int32_t exponent = bits & 0x7F800000, least = (min_exponent + 127) << 23;
        bits = (exponent > least ? exponent : least) + ((23 - mantissa_bits) << 23);
        float rounder;
        __builtin_memcpy(&rounder, &bits, 4);
        return (x.v[i] + rounder) - rounder;
    });
}
inline F times_exp2(F x, F n) { // x 2^n
    return each([&](size_t i) { return __builtin_ldexpf(x.v[i], static_cast<int>(n.v[i])); });
}
inline float sum(F a) {
    float s = 0.0f;
    for (float x : a.v) s += x;
    return s;
}
inline float largest(F a) {
    float m = a.v[0];
    for (float x : a.v) m = x > m ? x : m;
    return m;
}

// out[i] = sum of the lanes of v[i], i < 4.
inline void sum4(const F* v, float* out) {
    for (int i = 0; i < 4; ++i) out[i] = sum(v[i]);
}

inline F load_f16(const uint16_t* p) {
    return each([&](size_t i) { return decode_f16(p[i]); });
}
inline F load_f16(const uint16_t* p, size_t n) {
    return each([&](size_t i) { return i < n ? decode_f16(p[i]) : 0.0f; });
}
inline void store_f16(uint16_t* p, F x, size_t n) {
    for (size_t i = 0; i < n; ++i) p[i] = encode_f16(x.v[i]);
}
inline void store_f16(uint16_t* p, F x) {
    store_f16(p, x, width);
}
inline F load_bf16(const uint8_t* p, size_t n) {
    F result = zero();
    for (size_t i = 0; i < n; ++i) {
        uint32_t bits = static_cast<uint32_t>(p[2 * i]) << 16 | static_cast<uint32_t>(p[2 * i + 1]) << 24;
        __builtin_memcpy(&result.v[i], &bits, 4);
    }
    return result;
}
inline F load_bf16(const uint8_t* p) {
    return load_bf16(p, width);
}

// Lanes i and i ^ h: the sum in lanes without bit h, the difference (lower minus upper) in the others.
template <int h>
F butterfly(F x) {
    return each([&](size_t i) { return (i & h) == 0 ? x.v[i] + x.v[i ^ h] : x.v[i ^ h] - x.v[i]; });
}

inline I set_int(int32_t x) {
    return each_int([&](size_t) { return x; });
}
inline I load_ints(const void* p) {
    I result;
    __builtin_memcpy(&result, p, sizeof result);
    return result;
}
inline void store_ints(void* p, I x) {
    __builtin_memcpy(p, &x, sizeof x);
}
inline I round_to_int(F x) {
    return each_int([&](size_t i) { return static_cast<int32_t>(__builtin_rintf(x.v[i])); });
}
inline F to_float(I x) {
    return each([&](size_t i) { return static_cast<float>(x.v[i]); });
}
inline I magnitude_bits(F x) {
    I bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return each_int([&](size_t i) { return bits.v[i] & 0x7FFFFFFF; });
}
inline I max(I a, I b) {
    return each_int([&](size_t i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
inline int32_t largest(I a) {
    int32_t m = a.v[0];
    for (int32_t x : a.v) m = x > m ? x : m;
    return m;
}

// Weight bytes, 32 at a time; n < 32 bytes with zero codes behind.
inline I load_bytes(const uint8_t* p) {
    return load_ints(p);
}
inline I load_bytes(const uint8_t* p, size_t n) {
    I result = set_int(0);
    __builtin_memcpy(&result, p, n);
    return result;
}

// E2M1 times two plus 12, of the low and of the high nibbles.
inline void unpack_biased(I packed, I& low, I& high) {
    constexpr uint8_t table[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};
    uint8_t in[4 * width], lower[4 * width], upper[4 * width];
    __builtin_memcpy(in, &packed, sizeof in);
    for (size_t i = 0; i < sizeof in; ++i) {
        lower[i] = table[in[i] & 15];
        upper[i] = table[in[i] >> 4];
    }
    __builtin_memcpy(&low, lower, sizeof low);
    __builtin_memcpy(&high, upper, sizeof high);
}

// Lane i: acc + sum over its four bytes of u * s. u <= 24 unsigned, s signed.
inline I dot4(I acc, I u, I s) {
    uint8_t a[4 * width];
    int8_t b[4 * width];
    __builtin_memcpy(a, &u, sizeof a);
    __builtin_memcpy(b, &s, sizeof b);
    return each_int([&](size_t i) {
        return acc.v[i] + a[4 * i] * b[4 * i] + a[4 * i + 1] * b[4 * i + 1] + a[4 * i + 2] * b[4 * i + 2] +
               a[4 * i + 3] * b[4 * i + 3];
    });
}
inline I dot8(I acc, I u0, I s0, I u1, I s1) {
    return dot4(dot4(acc, u0, s0), u1, s1);
}
// The same of signed weights (all 256 codes).
inline constexpr int32_t int8_bias = 0;
inline I bias_int8(I w) {
    return w;
}
inline I dot8_int8(I acc, I w0, I s0, I w1, I s1) {
    int8_t a[8 * width], b[8 * width];
    __builtin_memcpy(a, &w0, sizeof w0);
    __builtin_memcpy(a + sizeof w0, &w1, sizeof w1);
    __builtin_memcpy(b, &s0, sizeof s0);
    __builtin_memcpy(b + sizeof s0, &s1, sizeof s1);
    return each_int([&](size_t i) {
        int32_t total = acc.v[i];
        for (size_t j = 0; j < 4; ++j)
            total += a[4 * i + j] * b[4 * i + j] + a[4 * (width + i) + j] * b[4 * (width + i) + j];
        return total;
    });
}
inline I negative(I x) {
    return each_int([&](size_t i) { return -x.v[i]; });
}

// Groups of four bytes, from two vectors that follow each other: the even ones and the odd ones.
inline void split_groups(I low, I high, I& even, I& odd) {
    for (size_t i = 0; i < width; ++i) {
        const I& from = i < width / 2 ? low : high;
        even.v[i] = from.v[2 * i % width];
        odd.v[i] = from.v[2 * i % width + 1];
    }
}
// The same from the even and the odd bytes.
inline void interleave_groups(I even_bytes, I odd_bytes, I& even, I& odd) {
    uint8_t e[4 * width], o[4 * width], all[8 * width];
    __builtin_memcpy(e, &even_bytes, sizeof e);
    __builtin_memcpy(o, &odd_bytes, sizeof o);
    for (size_t i = 0; i < 4 * width; ++i) {
        all[2 * i] = e[i];
        all[2 * i + 1] = o[i];
    }
    I low = load_ints(all), high = load_ints(all + 4 * width);
    split_groups(low, high, even, odd);
}
inline I broadcast4(const int8_t* p) {
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    return set_int(four);
}

// Two E8M0 scales to 8 lanes.
inline F expand_e8m0(uint32_t codes) {
    float scales[2] = {decode_e8m0(static_cast<uint8_t>(codes)),
                       decode_e8m0(static_cast<uint8_t>(codes >> 8))};
    return each([&](size_t i) { return scales[i / 4]; });
}
// Four UE4M3 scales to 8 lanes, times 2^-8.
inline F expand_ue4m3(uint64_t codes) {
    float scales[4];
    for (int b = 0; b < 4; ++b) scales[b] = decode_ue4m3(static_cast<uint8_t>(codes >> (8 * b))) * 0x1p-8f;
    return each([&](size_t i) { return scales[i / 2]; });
}

// Values of nibble `j` of every 32-bit lane.
template <int j>
F e2m1_values(I packed) {
    constexpr float table[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                 -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};
    return each([&](size_t i) { return table[static_cast<uint32_t>(packed.v[i]) >> (4 * j) & 15]; });
}

// `width` consecutive elements of a block format to their values; those that go over float16 elsewhere leave
// the same factor out here.
inline F load_e2m1(const uint8_t* codes) {
    return each([&](size_t i) { return decode_e2m1(i % 2 == 0 ? codes[i / 2] & 15 : codes[i / 2] >> 4); });
}
inline F load_e4m3(const uint8_t* codes) { // times 2^-8
    return each([&](size_t i) { return decode_e4m3(codes[i]) * 0x1p-8f; });
}
inline F load_e5m2(const uint8_t* codes) {
    return each([&](size_t i) { return decode_e5m2(codes[i]); });
}
template <int shift> // 7: E2M3 (times 2^-14), 8: E3M2 (times 2^-12)
F load_six_bit(const uint8_t* codes) {
    return each([&](size_t i) {
        const uint8_t* group = codes + i / 4 * 3;
        uint32_t word = group[0] | uint32_t(group[1]) << 8 | uint32_t(group[2]) << 16;
        auto code = static_cast<uint8_t>(word >> (6 * (i % 4)) & 63);
        return shift == 7 ? decode_e2m3(code) * 0x1p-14f : decode_e3m2(code) * 0x1p-12f;
    });
}
inline F load_int8(const uint8_t* codes) {
    return each([&](size_t i) { return static_cast<float>(static_cast<int8_t>(codes[i])); });
}
inline F load_f16_bytes(const uint8_t* p, size_t n) {
    uint16_t halves[width] = {};
    __builtin_memcpy(halves, p, 2 * n);
    return load_f16(halves);
}
inline F load_f16_bytes(const uint8_t* p) {
    return load_f16_bytes(p, width);
}

// Low bytes of the lanes.
inline void store_int8(int8_t* p, I x) {
    for (size_t i = 0; i < width; ++i) p[i] = static_cast<int8_t>(x.v[i]);
}

} // namespace fp4::FP4_CPU_LEVEL
