// The emulations of mma_fp4 in the lane simulator against sums in long double: every selector, random codes
// and scales, garbage in the scale words of lanes that are not selected.
#include <doctest/doctest.h>

#include <random>
#include <utility>

#include "cuda/mma/mma_fp4.h"
#include "libfp4/format/element.h"

using namespace fp4;
using namespace fp4::cuda;

namespace {

struct Problem {
    BlockFormat format;
    uint8_t a[16][64], b[8][64];             // codes
    uint8_t a_scales[16][4], b_scales[8][4]; // of 16-element groups
    float c[16][8], d[16][8];
};

int random_scale(BlockFormat format, std::mt19937& random, bool wide) {
    if (format == BlockFormat::nvfp4) return static_cast<int>(random() % 0x7F);
    return wide ? static_cast<int>(90 + random() % 70) : static_cast<int>(120 + random() % 14);
}

Problem random_problem(BlockFormat format, std::mt19937& random, bool wide) {
    Problem p{};
    p.format = format;
    for (auto& row : p.a)
        for (uint8_t& code : row) code = random() & 15;
    for (auto& row : p.b)
        for (uint8_t& code : row) code = random() & 15;
    auto fill = [&](uint8_t(&scales)[4]) {
        for (int group = 0; group < 4; ++group)
            scales[group] = format == BlockFormat::mxfp4 && group % 2 == 1
                                ? scales[group - 1]
                                : static_cast<uint8_t>(random_scale(format, random, wide));
    };
    for (auto& scales : p.a_scales) fill(scales);
    for (auto& scales : p.b_scales) fill(scales);
    for (auto& row : p.c)
        for (float& c : row) c = (static_cast<float>(random() % 20001) - 10000.0f) / 7.0f;
    return p;
}

float scale_value(BlockFormat format, uint8_t code) {
    return format == BlockFormat::nvfp4 ? decode_ue4m3(code) : decode_e8m0(code);
}

// Largest |d - exact| / sum |terms|.
long double worst_error(const Problem& p) {
    long double worst = 0;
    for (int m = 0; m < 16; ++m)
        for (int n = 0; n < 8; ++n) {
            long double sum = p.c[m][n], terms = std::fabs(p.c[m][n]);
            for (int k = 0; k < 64; ++k) {
                const long double term = static_cast<long double>(decode_e2m1(p.a[m][k])) *
                                         decode_e2m1(p.b[n][k]) *
                                         scale_value(p.format, p.a_scales[m][k / 16]) *
                                         scale_value(p.format, p.b_scales[n][k / 16]);
                sum += term;
                terms += std::fabs(term);
            }
            if (terms == 0 && p.d[m][n] == 0) continue;
            const long double error = std::fabs(p.d[m][n] - sum) / terms;
            worst = error > worst || std::isnan(error) ? error : worst;
        }
    return worst;
}

// Places the problem in fragments with the given selectors, runs it and takes the result out.
template <BlockFormat format, Emulation emulation, int byte_a, int thread_a, int byte_b, int thread_b>
void run(Problem& p, std::mt19937& random) {
    uint32_t garbage[32][2];
    for (auto& words : garbage)
        for (uint32_t& word : words) word = static_cast<uint32_t>(random());
    auto scale_word = [&](const uint8_t(&scales)[4], uint32_t word, int byte) {
        for (int group = 0; group < 4; ++group) {
            const int at = format == BlockFormat::mxfp4 ? byte + group / 2 : group;
            word = (word & ~(0xFFu << 8 * at)) | static_cast<uint32_t>(scales[group]) << 8 * at;
        }
        return word;
    };
    lanes::launch({1, 1, 1}, 32, 0, [&] {
        const unsigned lane = threadIdx.x, g = lane / 4, t = lane % 4;
        uint32_t a[4] = {}, b[2] = {}, scales_a = garbage[lane][0], scales_b = garbage[lane][1];
        float d[4];
        for (unsigned r = 0; r < 4; ++r)
            for (unsigned i = 0; i < 8; ++i)
                a[r] |= static_cast<uint32_t>(p.a[g + 8 * (r & 1)][8 * t + i + 32 * (r >> 1)]) << 4 * i;
        for (unsigned r = 0; r < 2; ++r)
            for (unsigned i = 0; i < 8; ++i)
                b[r] |= static_cast<uint32_t>(p.b[g][8 * t + i + 32 * r]) << 4 * i;
        for (unsigned m = 0; m < 16; ++m)
            if (lane == 4 * (m % 8) + 2 * thread_a + m / 8)
                scales_a = scale_word(p.a_scales[m], scales_a, byte_a);
        for (unsigned n = 0; n < 8; ++n)
            if (lane == 4 * n + thread_b) scales_b = scale_word(p.b_scales[n], scales_b, byte_b);
        for (unsigned j = 0; j < 4; ++j) d[j] = p.c[g + 8 * (j >> 1)][2 * t + (j & 1)];
        mma_fp4<format, emulation, byte_a, thread_a, byte_b, thread_b>(d, a, b, scales_a, scales_b);
        for (unsigned j = 0; j < 4; ++j) p.d[g + 8 * (j >> 1)][2 * t + (j & 1)] = d[j];
    });
}

template <BlockFormat format, Emulation emulation, int selector>
void check(std::mt19937& random, long double bound) {
    constexpr bool mx = format == BlockFormat::mxfp4;
    for (bool wide : {false, true}) {
        Problem p = random_problem(format, random, wide);
        run<format, emulation, mx ? selector / 8 % 2 * 2 : 0, selector % 2, mx ? selector / 16 * 2 : 0,
            selector / 2 % 4>(p, random);
        INFO("format ", int(format), " emulation ", int(emulation), " selector ", selector, " wide ", wide);
        CHECK(worst_error(p) <= bound);
    }
}

template <BlockFormat format, Emulation emulation, int... selectors>
void check_all(std::integer_sequence<int, selectors...>, long double bound) {
    std::mt19937 random(7);
    (check<format, emulation, selectors>(random, bound), ...);
}

} // namespace

TEST_CASE("mma_fp4: the exact emulation is right to the last place") {
    check_all<BlockFormat::mxfp4, Emulation::exact>(std::make_integer_sequence<int, 32>(), 0x1p-23L);
    check_all<BlockFormat::nvfp4, Emulation::exact>(std::make_integer_sequence<int, 8>(), 0x1p-23L);
}

TEST_CASE("mma_fp4: the fast emulation is within 2^-22 of the sum of magnitudes") {
    check_all<BlockFormat::mxfp4, Emulation::fast>(std::make_integer_sequence<int, 32>(), 0x1p-22L);
    check_all<BlockFormat::nvfp4, Emulation::fast>(std::make_integer_sequence<int, 8>(), 0x1p-22L);
}

TEST_CASE("mma_fp4: group sums that fit float32 are exact, one element at a time and all at their largest") {
    std::mt19937 random(3);
    for (int k = 0; k < 64; ++k) {
        for (bool all : {false, true}) {
            Problem p{};
            p.format = k % 2 == 0 ? BlockFormat::mxfp4 : BlockFormat::nvfp4;
            const int one = p.format == BlockFormat::mxfp4 ? 127 : 0x38;
            for (auto& scales : p.a_scales) std::fill_n(scales, 4, static_cast<uint8_t>(one));
            for (auto& scales : p.b_scales) std::fill_n(scales, 4, static_cast<uint8_t>(one));
            const int m = k % 16, n = k % 8;
            for (int other = 0; other < 64; ++other)
                if (all || other == k)
                    p.a[m][other] = p.b[n][other] = all ? 0xF : static_cast<uint8_t>(k % 15 + 1);
            if (p.format == BlockFormat::mxfp4)
                run<BlockFormat::mxfp4, Emulation::exact, 0, 0, 0, 0>(p, random);
            else
                run<BlockFormat::nvfp4, Emulation::exact, 0, 1, 0, 3>(p, random);
            CHECK(worst_error(p) == 0);
            CHECK(p.d[m][n] == (all ? 64 * 36.0f : decode_e2m1(p.a[m][k]) * decode_e2m1(p.b[n][k])));
        }
    }
}

TEST_CASE("mma_fp4: a NaN scale reaches its row or column and nothing else") {
    std::mt19937 random(5);
    for (BlockFormat format : {BlockFormat::mxfp4, BlockFormat::nvfp4}) {
        for (bool exact : {true, false}) {
            Problem p = random_problem(format, random, false);
            std::fill_n(p.a_scales[11], 4, static_cast<uint8_t>(format == BlockFormat::mxfp4 ? 0xFF : 0x7F));
            if (format == BlockFormat::mxfp4) {
                if (exact)
                    run<BlockFormat::mxfp4, Emulation::exact, 2, 1, 0, 2>(p, random);
                else
                    run<BlockFormat::mxfp4, Emulation::fast, 2, 1, 0, 2>(p, random);
            } else {
                if (exact)
                    run<BlockFormat::nvfp4, Emulation::exact, 0, 1, 0, 2>(p, random);
                else
                    run<BlockFormat::nvfp4, Emulation::fast, 0, 1, 0, 2>(p, random);
            }
            for (int m = 0; m < 16; ++m)
                for (float value : p.d[m]) CHECK(std::isnan(value) == (m == 11));
        }
    }
}

namespace {

template <int byte_a, int thread_a, int byte_b, int thread_b>
void check_e2m1_e4m3(std::mt19937& random) {
    uint8_t a[16][32], b[8][32], a_scale[16], b_scale[8];
    float d[16][8] = {};
    for (auto& row : a)
        for (uint8_t& code : row) code = random() & 15;
    for (auto& row : b)
        for (uint8_t& code : row) code = static_cast<uint8_t>((random() % 0x7F) | (random() & 0x80));
    for (uint8_t& scale : a_scale) scale = static_cast<uint8_t>(110 + random() % 30);
    for (uint8_t& scale : b_scale) scale = static_cast<uint8_t>(110 + random() % 30);
    const uint32_t garbage = static_cast<uint32_t>(random());
    lanes::launch({1, 1, 1}, 32, 0, [&] {
        const unsigned lane = threadIdx.x, g = lane / 4, t = lane % 4;
        uint32_t wa[4] = {}, wb[2] = {}, scales_a = garbage, scales_b = garbage;
        for (unsigned r = 0; r < 4; ++r)
            for (unsigned i = 0; i < 4; ++i)
                wa[r] |= static_cast<uint32_t>(a[g + 8 * (r & 1)][4 * t + i + 16 * (r >> 1)]) << (8 * i + 2);
        for (unsigned r = 0; r < 2; ++r)
            for (unsigned i = 0; i < 4; ++i)
                wb[r] |= static_cast<uint32_t>(b[g][4 * t + i + 16 * r]) << 8 * i;
        for (unsigned m = 0; m < 16; ++m)
            if (lane == 4 * (m % 8) + 2 * thread_a + m / 8)
                scales_a = (garbage & ~(0xFFu << 8 * byte_a)) | static_cast<uint32_t>(a_scale[m])
                                                                    << 8 * byte_a;
        for (unsigned n = 0; n < 8; ++n)
            if (lane == 4 * n + thread_b)
                scales_b = (garbage & ~(0xFFu << 8 * byte_b)) | static_cast<uint32_t>(b_scale[n])
                                                                    << 8 * byte_b;
        float out[4] = {};
        mma_e2m1_e4m3<byte_a, thread_a, byte_b, thread_b>(out, wa, wb, scales_a, scales_b);
        for (unsigned j = 0; j < 4; ++j) d[g + 8 * (j >> 1)][2 * t + (j & 1)] = out[j];
    });
    for (int m = 0; m < 16; ++m)
        for (int n = 0; n < 8; ++n) {
            long double sum = 0, terms = 0;
            for (int k = 0; k < 32; ++k) {
                const long double term = static_cast<long double>(decode_e2m1(a[m][k])) *
                                         decode_e4m3(b[n][k]) * decode_e8m0(a_scale[m]) *
                                         decode_e8m0(b_scale[n]);
                sum += term;
                terms += std::fabs(term);
            }
            CHECK(std::fabs(d[m][n] - sum) <= 0x1p-22L * terms);
        }
}

} // namespace

TEST_CASE("mma_e2m1_e4m3: every byte and thread selector") {
    std::mt19937 random(9);
    check_e2m1_e4m3<0, 0, 0, 0>(random);
    check_e2m1_e4m3<1, 1, 3, 1>(random);
    check_e2m1_e4m3<2, 0, 1, 2>(random);
    check_e2m1_e4m3<3, 1, 2, 3>(random);
}
