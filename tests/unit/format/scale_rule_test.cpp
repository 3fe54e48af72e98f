// The closed-form rules at and around their boundaries, against the formulas in double and long double.
#include "libfp4/format/scale_rule.h"

#include <doctest/doctest.h>

#include <cfloat>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "libfp4/format/block_element.h"
#include "libfp4/format/element.h"

using namespace fp4;

namespace {

const std::vector<BlockFormat> mx_formats = {BlockFormat::mxfp4,      BlockFormat::mxfp8_e4m3,
                                             BlockFormat::mxfp8_e5m2, BlockFormat::mxfp6_e2m3,
                                             BlockFormat::mxfp6_e3m2, BlockFormat::mxint8};

struct Range {
    double largest; // element
    int emax;
    double even; // amax / 2^floor(log2 amax) from which `even` goes up
};

// Constants of OCP MX v1.0 table 1, in the order of mx_formats.
const std::vector<Range> ranges = {{6, 2, 1.75},     {448, 8, 1.9375}, {57344, 15, 1.875},
                                   {7.5, 2, 1.9375}, {28, 4, 1.875},   {127.0 / 64, 0, 2 - 1.0 / 128}};

// Smallest x with amax <= limit x 2^x, by counting in double.
int smallest_exponent(double amax, double limit) {
    int x = -200;
    while (amax > std::ldexp(limit, x)) ++x;
    return x;
}

// Maxima worth testing for a binade: powers of two, each rule's thresholds, and their float neighbours.
std::vector<float> interesting_maxima() {
    std::vector<float> maxima;
    for (int exponent : {-149, -148, -130, -127, -126, -125, -60, -1, 0, 1, 7, 100, 120, 126, 127})
        for (double mantissa : {1.0, 1.1, 1.5, 1.75, 1.8125, 1.875, 1.9375, 1.984375, 1.9921875, 1.99999}) {
            const float value = static_cast<float>(std::ldexp(mantissa, exponent));
            for (float amax : {std::nextafterf(value, 0.0f), value, std::nextafterf(value, FLT_MAX)})
                if (amax > 0) maxima.push_back(amax);
        }
    maxima.push_back(FLT_MAX);
    return maxima;
}

} // namespace

TEST_CASE("MX rules follow their formulas, clamped to the scales E8M0 and float32 allow") {
    for (size_t f = 0; f < mx_formats.size(); ++f) {
        const BlockFormat format = mx_formats[f];
        const Range range = ranges[f];
        CAPTURE(block_format_name(format));
        CHECK(max_scale_exponent(format) == 127 - range.emax);
        const auto clamped = [&](int exponent) { return std::clamp(exponent, -127, 127 - range.emax); };
        for (float amax : interesting_maxima()) {
            CAPTURE(amax);
            const int binade = std::ilogb(amax);
            const double mantissa = std::scalbn(static_cast<double>(amax), -binade);
            const auto exponent = [&](ScaleRule rule) { return mx_scale_exponent(format, rule, amax); };
            CHECK(exponent(ScaleRule::floor) == clamped(binade - range.emax));
            CHECK(exponent(ScaleRule::ceil) == clamped(smallest_exponent(amax, range.largest)));
            CHECK(exponent(ScaleRule::even) == clamped(binade - range.emax + (mantissa >= range.even)));
            if (format == BlockFormat::mxfp4)
                CHECK(exponent(ScaleRule::uos) == clamped(smallest_exponent(amax, 7.25)));
            CHECK(exponent(ScaleRule::mse) == exponent(ScaleRule::floor));
            CHECK(exponent(ScaleRule::prescale34) == exponent(ScaleRule::floor));
        }
    }
}

TEST_CASE("the rules of MXFP4 bracket amax / scale as documented") {
    std::mt19937 random(5);
    std::uniform_real_distribution<float> exponent(-20, 20);
    for (int i = 0; i < 20000; ++i) {
        const float amax = std::exp2(exponent(random));
        const auto ratio = [&](ScaleRule rule) {
            return std::ldexp(amax, -mx_scale_exponent(BlockFormat::mxfp4, rule, amax));
        };
        REQUIRE((ratio(ScaleRule::floor) >= 4 && ratio(ScaleRule::floor) < 8));
        REQUIRE((ratio(ScaleRule::ceil) > 3 && ratio(ScaleRule::ceil) <= 6));
        REQUIRE((ratio(ScaleRule::even) >= 3.5f && ratio(ScaleRule::even) < 7));
        REQUIRE((ratio(ScaleRule::uos) > 3.625f && ratio(ScaleRule::uos) <= 7.25f));
    }
}

TEST_CASE("extreme maxima stay inside the scale range") {
    for (BlockFormat format : mx_formats)
        for (ScaleRule rule : {ScaleRule::floor, ScaleRule::ceil, ScaleRule::even, ScaleRule::uos}) {
            CHECK(mx_scale_exponent(format, rule, 0.0f) == -127);
            CHECK(mx_scale_exponent(format, rule, FLT_TRUE_MIN) == -127);
            const int top = max_scale_exponent(format);
            CHECK(mx_scale_exponent(format, rule, FLT_MAX) == top);
            CHECK(mx_scale_exponent(format, rule, std::numeric_limits<float>::infinity()) == top);
            CHECK(std::isfinite(max_value(block_element(format).magnitude) *
                                block_scale_value(format, mx_scale_code(top))));
        }
}

TEST_CASE("NVFP4 block scales") {
    CHECK(nvfp4_scale_code(6.0f, 1.0f, 1.0f) == encode_ue4m3(1.0f));
    CHECK(nvfp4_scale_code(6.0f, 1.5f, 1.0f) == encode_ue4m3(1.5f));
    CHECK(nvfp4_scale_code(6.0f, 1.0f, 0.5f) == encode_ue4m3(2.0f));
    // The largest block of a tensor gets the largest scale: 448, or 256 with four-over-six.
    for (float amax : {1.0f, 0.3f, 123.4f, 1e-20f, 1e20f, FLT_MAX}) {
        const auto top = [&](ScaleRule rule) {
            return nvfp4_scale_code(amax, 1.0f, tensor_scale_for(BlockFormat::nvfp4, rule, amax));
        };
        CHECK(top(ScaleRule::amax) == 0x7E);
        CHECK(top(ScaleRule::four_over_six) == encode_ue4m3(256.0f));
        CHECK(top(ScaleRule::mse) == encode_ue4m3(256.0f));
    }
    // Saturation instead of the NaN code, underflow to zero: 2^-10 is the tie between 0 and the smallest
    // scale.
    CHECK(nvfp4_scale_code(FLT_MAX, 1.0f, FLT_MIN) == 0x7E);
    CHECK(nvfp4_scale_code(6 * 0x1p-10f, 1.0f, 1.0f) == 0);
    CHECK(nvfp4_scale_code(6 * 0x1.8p-10f, 1.0f, 1.0f) == 1);
}

TEST_CASE("tensor scales") {
    const float infinity = std::numeric_limits<float>::infinity();
    CHECK(tensor_scale_for(BlockFormat::nvfp4, ScaleRule::amax, 2688.0f) == 1.0f);
    CHECK(tensor_scale_for(BlockFormat::nvfp4, ScaleRule::four_over_six, 1536.0f) == 1.0f);
    CHECK(tensor_scale_for(BlockFormat::nvfp4, ScaleRule::mse, 1536.0f) == 1.0f);
    for (ScaleRule rule : {ScaleRule::amax, ScaleRule::four_over_six, ScaleRule::mse}) {
        for (float none : {0.0f, -1.0f, infinity, std::nanf("")})
            CHECK(tensor_scale_for(BlockFormat::nvfp4, rule, none) == 1.0f);
        CHECK(tensor_scale_for(BlockFormat::nvfp4, rule, FLT_TRUE_MIN) == 0x1p-117f);
    }
    for (BlockFormat format : mx_formats)
        for (ScaleRule rule :
             {ScaleRule::floor, ScaleRule::ceil, ScaleRule::even, ScaleRule::uos, ScaleRule::mse})
            CHECK(tensor_scale_for(format, rule, 100.0f) == 1.0f);
    CHECK(tensor_scale_for(BlockFormat::mxfp4, ScaleRule::prescale34, 100.0f) == 4.0f / 3.0f);
    CHECK(tensor_scale_for(BlockFormat::mxfp8_e4m3, ScaleRule::tensor, 896.0f) == 2.0f);
    CHECK(tensor_scale_for(BlockFormat::mxfp8_e4m3, ScaleRule::tensor, 0.0f) == 1.0f);
    CHECK(tensor_scale_for(BlockFormat::mxfp8_e4m3, ScaleRule::tensor, infinity) == 1.0f);
    CHECK(tensor_scale_for(BlockFormat::mxfp8_e4m3, ScaleRule::tensor, FLT_TRUE_MIN) == 0x1p-117f);
}
