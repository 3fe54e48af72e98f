// MXFP4 weights as E4M3 with their scales folded in.
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "cuda/gemm/e4m3_operand.h"
#include "libfp4/format/element.h"

using namespace fp4;
using namespace fp4::cuda;

namespace {

float folded_value(const FoldedCodes& codes, uint32_t magnitude) {
    const uint32_t word = magnitude < 4 ? codes.low : codes.high;
    return decode_e4m3(static_cast<uint8_t>(word >> 8 * (magnitude % 4)));
}

// MXFP4 rows of `blocks` blocks; every element is 0.5.
struct Weights {
    std::vector<uint8_t> codes, scales;
    bool folds(size_t rows) const {
        return folds_into_e4m3(codes.data(), scales.data(), rows, scales.size() / rows * 32);
    }
};
Weights halves(std::vector<uint8_t> scales) {
    return {std::vector<uint8_t>(scales.size() * 16, 0x19), std::move(scales)}; // 0.5 and -0.5
}

} // namespace

TEST_CASE("folded codes: every element times the scale, exactly; a step is the same number for all") {
    for (int below = 0; below < fold_steps; ++below) {
        const FoldedCodes codes = folded_codes(below);
        for (uint32_t code = 0; code < 8; ++code)
            CHECK(folded_value(codes, code) ==
                  std::ldexp(decode_e2m1(static_cast<uint8_t>(code)), fold_top_exponent - below));
        const auto steps = static_cast<uint32_t>(below);
        CHECK(codes.low == folded_codes(0).low - steps * folded_step.low);
        CHECK(codes.high == folded_codes(0).high - steps * folded_step.high);
    }
}

TEST_CASE("a tile of weights becomes operand A of E4M3: signs, order, scales of both rows and runs") {
    std::mt19937 random(3);
    for (int round = 0; round < 500; ++round) {
        const int tops[2] = {20 + static_cast<int>(random() % 200), 20 + static_cast<int>(random() % 200)};
        const FoldedCodes rows[2] = {row_codes(mxfp4_top_exponent - tops[0]),
                                     row_codes(mxfp4_top_exponent - tops[1])};
        uint32_t words[4], scale_word = 0;
        int below[4];
        for (int i = 0; i < 4; ++i) { // run i / 2 of row i % 2
            below[i] = static_cast<int>(random() % 20);
            words[i] = static_cast<uint32_t>(random());
            if (below[i] >= fold_steps) words[i] &= 0x88888888u; // zeros of both signs
            scale_word |= static_cast<uint32_t>(tops[i % 2] - below[i]) << 8 * i;
        }
        uint32_t a[2][4];
        fold_tile(a[0], a[1], {words[0], words[1], words[2], words[3]}, scale_word, rows);
        for (int i = 0; i < 4; ++i) {
            for (int e = 0; e < 8; ++e) {
                const auto byte = static_cast<uint8_t>(a[i / 2][i % 2 + e / 4 * 2] >> 8 * (e % 4));
                const float element = decode_e2m1(static_cast<uint8_t>(words[i] >> 4 * e & 15));
                REQUIRE(decode_e4m3(byte) == std::ldexp(element, fold_top_exponent - below[i]));
                REQUIRE(std::signbit(decode_e4m3(byte)) == std::signbit(element));
            }
        }
    }
}

TEST_CASE("weights fold if the scales of each row lie within 2^11") {
    CHECK(halves({100, 111, 107, 100}).folds(1));
    CHECK_FALSE(halves({100, 112, 107, 100}).folds(1));
    CHECK(halves({100, 101, 112, 113}).folds(2)); // rows of their own
    CHECK(halves({0, 11}).folds(1));
    Weights weights = halves({0, 120, 60, 121});
    CHECK_FALSE(weights.folds(1));
    for (size_t block : {0, 2})
        for (size_t i = 0; i < 16; ++i) weights.codes[block * 16 + i] = 0x80; // zeros of both signs
    CHECK(weights.folds(1));
    weights.codes[2 * 16 + 15] = 0x10;
    CHECK_FALSE(weights.folds(1));
}

TEST_CASE("rows of any length: folding is what a look at every block says") {
    std::mt19937 random(9);
    for (size_t blocks = 1; blocks < 70; ++blocks) {
        for (int round = 0; round < 20; ++round) {
            const size_t rows = 1 + random() % 3;
            std::vector<uint8_t> scales(rows * blocks);
            for (uint8_t& scale : scales) scale = static_cast<uint8_t>(110 + random() % 12);
            if (round % 2 == 1) scales[random() % scales.size()] = static_cast<uint8_t>(98 + random() % 14);
            const Weights weights = halves(scales);
            bool expected = true;
            for (size_t i = 0; i < scales.size(); ++i)
                for (size_t j = i / blocks * blocks; j < (i / blocks + 1) * blocks; ++j)
                    expected = expected && scales[j] - scales[i] < fold_steps;
            REQUIRE(weights.folds(rows) == expected);
        }
    }
}
