// Row codecs: hand-made bytes, special blocks, tails, and the properties that hold for any input.
#include <doctest/doctest.h>

#include <cfloat>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "libfp4/format/block_element.h"
#include "libfp4/format/block_format.h"
#include "libfp4/format/element.h"
#include "libfp4/format/scale_rule.h"
#include "libfp4/format/scale_search.h"

using namespace fp4;

namespace {

using Bytes = std::vector<uint8_t>;
using Floats = std::vector<float>;

struct Row {
    Bytes codes, scales;
    Floats values; // decoded
};

Row round_trip(BlockFormat format, ScaleRule rule, float tensor_scale, const Floats& input) {
    Row row;
    // Guard bytes catch writes past the documented sizes.
    row.codes.assign(row_code_bytes(format, input.size()) + 1, 0xA5);
    row.scales.assign(row_scales(format, input.size()) + 1, 0xA5);
    row.values.assign(input.size() + 1, 77.0f);
    quantize_row(format, rule, tensor_scale, input.data(), input.size(), row.codes.data(), row.scales.data());
    dequantize_row(format, tensor_scale, row.codes.data(), row.scales.data(), input.size(),
                   row.values.data());
    CHECK(row.codes.back() == 0xA5);
    CHECK(row.scales.back() == 0xA5);
    CHECK(row.values.back() == 77.0f);
    row.codes.pop_back();
    row.scales.pop_back();
    row.values.pop_back();
    return row;
}

Row round_trip(BlockFormat format, ScaleRule rule, const Floats& input) {
    return round_trip(format, rule, tensor_scale_for(format, rule, row_amax(input.data(), input.size())),
                      input);
}

template <class Visit>
void for_each_combination(Visit visit) {
    for (int f = 0; f < block_format_count; ++f)
        for (int r = 0; r < scale_rule_count; ++r) {
            const auto format = static_cast<BlockFormat>(f);
            const auto rule = static_cast<ScaleRule>(r);
            if (!scale_rule_applies(format, rule)) continue;
            CAPTURE(block_format_name(format));
            CAPTURE(scale_rule_name(rule));
            visit(format, rule);
        }
}

Floats gaussian(size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    Floats values(count);
    for (float& value : values) value = normal(random);
    return values;
}

double squared_error(const Floats& a, const Floats& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i)
        sum += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    return sum;
}

} // namespace

TEST_CASE("an MXFP4 block by hand") {
    // amax 6 -> floor scale 2^(2-2) = 1: every value is already an element.
    Floats input(32, 0.0f);
    const Floats head = {0.0f, 0.5f, 1.0f, -1.5f, 2.0f, 3.0f, 4.0f, -6.0f, -0.0f, 0.25f, -0.25f, 0.75f, 5.0f};
    std::copy(head.begin(), head.end(), input.begin());
    const Row row = round_trip(BlockFormat::mxfp4, ScaleRule::floor, input);
    CHECK(row.scales == Bytes{127});
    // codes 0 1 | 2 B | 4 5 | 6 F | 8 0 | 8 2 | 6 0 ..., low nibble first
    Bytes expected = {0x10, 0xB2, 0x54, 0xF6, 0x08, 0x28, 0x06};
    expected.resize(16, 0);
    CHECK(row.codes == expected);
}

TEST_CASE("an MXFP6 and an MXFP8 block by hand") {
    Floats input(32, 0.0f);
    input[0] = 0.125f, input[1] = -7.5f, input[2] = 1.0f, input[3] = 4.0f;
    Row row = round_trip(BlockFormat::mxfp6_e2m3, ScaleRule::ceil, input);
    CHECK(row.scales == Bytes{127});
    // 000001, 111111, 001000, 011000 (E2M3), element 0 in the low bits: 011000 001000 111111 000001
    Bytes expected = {0xC1, 0x8F, 0x60};
    expected.resize(24, 0);
    CHECK(row.codes == expected);

    input[1] = -448.0f;
    row = round_trip(BlockFormat::mxfp8_e4m3, ScaleRule::floor, input);
    CHECK(row.scales == Bytes{127});
    expected = {0x20, 0xFE, 0x38, 0x48};
    expected.resize(32, 0);
    CHECK(row.codes == expected);
}

TEST_CASE("an NVFP4 and an MXINT8 block by hand") {
    Floats input(16, 0.0f);
    input[0] = 12.0f, input[1] = -1.0f, input[2] = 3.0f;
    // amax 12 -> block scale 2 = E4M3 0x40 at tensor scale 1; elements 6, -0.5, 1.5.
    Row row = round_trip(BlockFormat::nvfp4, ScaleRule::amax, 1.0f, input);
    CHECK(row.scales == Bytes{0x40});
    Bytes expected = {0x97, 0x03};
    expected.resize(8, 0);
    CHECK(row.codes == expected);
    CHECK(row.values == input);

    input.assign(32, 0.0f);
    input[0] = 1.984375f, input[1] = -1.0f, input[2] = -1.0f / 64;
    row = round_trip(BlockFormat::mxint8, ScaleRule::floor, input);
    CHECK(row.scales == Bytes{127});
    expected = {127, 0xC0, 0xFF};
    expected.resize(32, 0);
    CHECK(row.codes == expected);
    CHECK(row.values == input);
}

TEST_CASE("prescale34 quantizes three quarters of the value and carries 4/3 in the tensor scale") {
    const Floats input = gaussian(320, 3);
    const Row row = round_trip(BlockFormat::mxfp4, ScaleRule::prescale34, input);
    Floats three_quarters = input;
    for (float& value : three_quarters) value *= 0.75f;
    for (size_t b = 0; b < 10; ++b) {
        const float amax = row_amax(input.data() + 32 * b, 32);
        const int exponent = mx_scale_exponent(BlockFormat::mxfp4, ScaleRule::floor, amax);
        REQUIRE(row.scales[b] == mx_scale_code(exponent));
        for (size_t i = 32 * b; i < 32 * b + 32; ++i) {
            const float element = decode_e2m1(encode_e2m1(std::ldexp(three_quarters[i], -exponent)));
            REQUIRE(row.values[i] == std::ldexp(element, exponent) * (4.0f / 3.0f));
        }
    }
}

TEST_CASE("rule tensor: FP8 with one scale") {
    const Floats input = gaussian(320, 5);
    const float amax = row_amax(input.data(), input.size()), scale = amax / 448.0f;
    const Row row = round_trip(BlockFormat::mxfp8_e4m3, ScaleRule::tensor, input);
    for (uint8_t code : row.scales) REQUIRE(code == 127);
    for (size_t i = 0; i < input.size(); ++i)
        REQUIRE(row.values[i] == decode_e4m3(encode_e4m3(input[i] * (1.0f / scale))) * scale);
    CHECK(row_amax(row.values.data(), input.size()) == doctest::Approx(amax));
}

TEST_CASE(
    "a block with NaN or Inf gets the NaN scale, zero codes, and decodes to NaN; its neighbours do not") {
    const float infinity = std::numeric_limits<float>::infinity();
    for_each_combination([&](BlockFormat format, ScaleRule rule) {
        for (float bad : {std::nanf(""), -std::nanf(""), infinity, -infinity}) {
            const size_t block = block_size(format);
            Floats input = gaussian(3 * block, 1);
            input[2 * block - 1] = bad;
            const Row row = round_trip(format, rule, 0.01f, input);
            CHECK(row.scales[1] == nan_scale_code(format));
            const size_t bytes = row_code_bytes(format, block);
            CHECK(Bytes(row.codes.begin() + bytes, row.codes.begin() + 2 * bytes) == Bytes(bytes, 0));
            for (size_t i = 0; i < 3 * block; ++i) REQUIRE(std::isnan(row.values[i]) == (i / block == 1));
        }
    });
    CHECK(nan_scale_code(BlockFormat::nvfp4) == 0x7F);
    CHECK(nan_scale_code(BlockFormat::mxfp8_e5m2) == 0xFF);
}

TEST_CASE("an all-zero block has scale code 0 and zero codes, also for -0") {
    for_each_combination([](BlockFormat format, ScaleRule rule) {
        Floats input(2 * block_size(format), 0.0f);
        for (size_t i = 1; i < input.size(); i += 2) input[i] = -0.0f;
        const Row row = round_trip(format, rule, input);
        CHECK(row.scales == Bytes(2, 0));
        CHECK(row.codes == Bytes(row.codes.size(), 0));
        for (float value : row.values) REQUIRE((value == 0 && !std::signbit(value)));
    });
}

TEST_CASE(
    "an NVFP4 block whose scale underflows becomes zero; the sweep keeps the smallest scale if it can") {
    Floats input(32, 0.0f);
    input[0] = 1.0f, input[16] = 6 * 0x0.fp-10f; // second block: amax / 6 rounds to scale 0
    Row row = round_trip(BlockFormat::nvfp4, ScaleRule::amax, 1.0f, input);
    CHECK(row.scales[1] == 0);
    CHECK(Bytes(row.codes.begin() + 8, row.codes.end()) == Bytes(8, 0));
    CHECK(row.values[16] == 0.0f);
    for (ScaleRule rule : {ScaleRule::mse, ScaleRule::four_over_six}) {
        row = round_trip(BlockFormat::nvfp4, rule, 1.0f, input);
        CHECK(row.scales[1] == 1);
        CHECK(row.values[16] == 3 * 0x1p-9f);
        input[16] = 0x1p-20f;
        row = round_trip(BlockFormat::nvfp4, rule, 1.0f, input);
        CHECK(row.scales[1] == 0);
        CHECK(row.values[16] == 0.0f);
        input[16] = 6 * 0x0.fp-10f;
    }
}

TEST_CASE("extreme blocks decode to finite values near the input") {
    for_each_combination([](BlockFormat format, ScaleRule rule) {
        const double largest_step = format == BlockFormat::mxint8 ? 0.01 : 0.5;
        // Blocks smaller than the smallest scale's element steps may become zero.
        for (float amax :
             {FLT_TRUE_MIN, 0x1p-140f, 0x1.8p-127f, FLT_MIN, 1e-30f, 1e30f, 0x1p126f, FLT_MAX / 4}) {
            Floats input(block_size(format), 0.0f);
            for (size_t i = 0; i < input.size(); ++i)
                input[i] =
                    (i % 2 ? -amax : amax) * (static_cast<float>(i + 1) / static_cast<float>(input.size()));
            const Row row = round_trip(format, rule, input);
            const double floor_step = format == BlockFormat::nvfp4 ? 0x1p-124 : 0x1p-127;
            for (size_t i = 0; i < input.size(); ++i) {
                CAPTURE(input[i]);
                CAPTURE(row.values[i]);
                REQUIRE(std::isfinite(row.values[i]));
                REQUIRE(std::fabs(static_cast<double>(row.values[i]) - input[i]) <=
                        largest_step * amax + floor_step);
            }
        }
    });
    for (BlockFormat format : {BlockFormat::mxfp4, BlockFormat::mxfp8_e4m3, BlockFormat::mxint8})
        for (ScaleRule rule : {ScaleRule::floor, ScaleRule::ceil, ScaleRule::even, ScaleRule::mse}) {
            const Row row = round_trip(format, rule, Floats(32, -FLT_MAX));
            for (float value : row.values) REQUIRE((std::isfinite(value) && value <= -0.74f * FLT_MAX));
        }
}

TEST_CASE("a tail equals the zero-padded row") {
    for_each_combination([](BlockFormat format, ScaleRule rule) {
        const size_t block = block_size(format);
        for (size_t k : {size_t{1}, size_t{7}, block - 1, block + 1, 3 * block - 5}) {
            Floats input = gaussian(k, static_cast<unsigned>(k));
            const float scale = tensor_scale_for(format, rule, row_amax(input.data(), k));
            const Row tail = round_trip(format, rule, scale, input);
            input.resize((k + block - 1) / block * block, 0.0f);
            const Row whole = round_trip(format, rule, scale, input);
            CHECK(tail.codes == whole.codes);
            CHECK(tail.scales == whole.scales);
            CHECK(tail.values ==
                  Floats(whole.values.begin(), whole.values.begin() + static_cast<ptrdiff_t>(k)));
        }
    });
    CHECK(round_trip(BlockFormat::mxfp4, ScaleRule::even, {}).codes.empty());
}

TEST_CASE("decoded values are elements x block scale x tensor scale, and fixed points of the codec") {
    for_each_combination([](BlockFormat format, ScaleRule rule) {
        const size_t block = block_size(format);
        const Floats input = gaussian(40 * block, 9);
        const float tensor_scale = tensor_scale_for(format, rule, row_amax(input.data(), input.size()));
        const Row row = round_trip(format, rule, tensor_scale, input);
        const BlockElement element = block_element(format);
        for (size_t i = 0; i < input.size(); ++i) {
            // With its scale known, each value is rounded to the nearest element on its own.
            const uint8_t scale = row.scales[i / block];
            const uint8_t code =
                encode_block_element(element, input[i] * inverse_block_scale(format, tensor_scale, scale));
            const uint8_t again = encode_block_element(
                element, row.values[i] * inverse_block_scale(format, tensor_scale, scale));
            REQUIRE(code == again);
            const float magnitude = decode_magnitude(
                element.magnitude,
                encode_magnitude(
                    element.magnitude,
                    magnitude_bits(input[i] * inverse_block_scale(format, tensor_scale, scale))));
            const float expected =
                std::copysign(magnitude, input[i]) * block_scale_value(format, scale) * tensor_scale;
            REQUIRE(row.values[i] == expected);
        }
    });
}

TEST_CASE("block element codes equal the scalar conversions") {
    for (float value : gaussian(5000, 21)) {
        for (float scaled : {value, 100 * value, 0.01f * value}) {
            const auto code = [&](BlockFormat format) {
                return encode_block_element(block_element(format), scaled);
            };
            REQUIRE(code(BlockFormat::mxfp4) == encode_e2m1(scaled));
            REQUIRE(code(BlockFormat::nvfp4) == encode_e2m1(scaled));
            REQUIRE(code(BlockFormat::mxfp6_e2m3) == encode_e2m3(scaled));
            REQUIRE(code(BlockFormat::mxfp6_e3m2) == encode_e3m2(scaled));
            REQUIRE(code(BlockFormat::mxfp8_e4m3) == encode_e4m3(scaled));
            REQUIRE(code(BlockFormat::mxfp8_e5m2) == encode_e5m2(scaled));
            REQUIRE(code(BlockFormat::mxint8) == static_cast<uint8_t>(encode_int8(scaled)));
        }
    }
}

TEST_CASE("mse finds the best of all scales") {
    // Heavy tails and two-level blocks make clipping pay; every power of two (MX) or E4M3 code is tried here.
    std::mt19937 random(31);
    std::student_t_distribution<float> heavy(2.0f);
    for (int f = 0; f < block_format_count; ++f) {
        const auto format = static_cast<BlockFormat>(f);
        CAPTURE(block_format_name(format));
        const size_t block = block_size(format);
        for (int round = 0; round < 60; ++round) {
            Floats input(block);
            for (float& value : input) value = round % 3 == 0 ? 0.5f : heavy(random);
            if (round % 3 == 0) input[0] = 8.0f - 0.1f * static_cast<float>(round);
            const float tensor_scale =
                tensor_scale_for(format, ScaleRule::mse, 4 * row_amax(input.data(), block));
            const Row row = round_trip(format, ScaleRule::mse, tensor_scale, input);
            const double found = squared_error(input, row.values);
            double best = INFINITY;
            for (int scale = 1; scale < nan_scale_code(format); ++scale) {
                Floats decoded(block);
                for (size_t i = 0; i < block; ++i) {
                    const SmallFloat element = block_element(format).magnitude;
                    const float scaled =
                        input[i] * inverse_block_scale(format, tensor_scale, static_cast<uint8_t>(scale));
                    decoded[i] =
                        std::copysign(
                            decode_magnitude(element, encode_magnitude(element, magnitude_bits(scaled))),
                            input[i]) *
                        block_scale_value(format, static_cast<uint8_t>(scale)) * tensor_scale;
                }
                best = std::min(best, squared_error(input, decoded));
            }
            CHECK(found <= best * (1 + 1e-5));
        }
    }
}

TEST_CASE("importance steers the scale search") {
    Floats input(32, 0.25f), importance(32, 1.0f);
    input[0] = 4.0f; // 0.25 is half of floor's smallest step and rounds to 0
    const auto exponent = [&](const float* weights) {
        return choose_block_scale(BlockFormat::mxfp4, ScaleRule::mse, 1.0f, input.data(), weights) - 127;
    };
    CHECK(exponent(nullptr) == -1); // 8 clips to 6, but thirty-one values are hit
    CHECK(exponent(importance.data()) == -1);
    importance[0] = 100.0f;
    CHECK(exponent(importance.data()) == 0);
    importance.assign(32, 0.0f);
    CHECK(exponent(importance.data()) == 0); // nothing matters: the floor scale stays
    // Scores are relative to the block: no overflow or underflow at the ends of the range.
    importance.assign(32, 1.0f);
    for (float scale : {0x1p-100f, 0x1p120f}) {
        Floats scaled = input;
        for (float& value : scaled) value *= scale;
        CHECK(choose_block_scale(BlockFormat::mxfp4, ScaleRule::mse, 1.0f, scaled.data()) - 127 ==
              std::ilogb(scale) - 1);
    }
}

TEST_CASE("four-over-six takes 4 when it fits the block better") {
    // Scales 2 and 3: all of 12, 8, 4 ... are elements of amax/6 = 2; 12, 9, 6 of amax/4 = 3.
    Floats six(16, 8.0f), four(16, 9.0f);
    six[0] = four[0] = 12.0f;
    CHECK(round_trip(BlockFormat::nvfp4, ScaleRule::four_over_six, 1.0f, six).scales ==
          Bytes{encode_ue4m3(2.0f)});
    const Row row = round_trip(BlockFormat::nvfp4, ScaleRule::four_over_six, 1.0f, four);
    CHECK(row.scales == Bytes{encode_ue4m3(3.0f)});
    CHECK(row.values == four);
}

TEST_CASE("row_amax") {
    const Floats values = {1.0f, -3.0f, 2.0f};
    CHECK(row_amax(values.data(), 3) == 3.0f);
    CHECK(row_amax(values.data(), 0) == 0.0f);
    for (float bad : {std::nanf(""), -std::numeric_limits<float>::infinity()}) {
        const Floats with_bad = {1.0f, bad, 2.0f};
        CHECK(std::isnan(row_amax(with_bad.data(), 3)));
        CHECK(row_amax(with_bad.data(), 1) == 1.0f);
    }
    const Floats tiny = {-FLT_TRUE_MIN, 0.0f};
    CHECK(row_amax(tiny.data(), 2) == FLT_TRUE_MIN);
}
