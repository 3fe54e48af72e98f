// Block codecs on host memory: sizes, round trips, rules, bad input.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "tests/unit/api/abi.h"

using namespace fp4::test;

namespace {

struct Format {
    int32_t id;
    size_t block;
    double bits;       // of one code
    double worst_step; // largest |rounded - x| / amax of the block
};

// worst_step: half the largest spacing of codes near the block's largest magnitude, over that magnitude, with
// a scale that is up to twice as coarse as needed for power-of-two scales (OCP MX v1.0, table 1), plus
// saturation of at most 1/4 where amax may round down to the largest code (MXFP4: 8 -> 6).
constexpr Format formats[] = {
    {FP4_FORMAT_MXFP4, 32, 4, 0.26},      {FP4_FORMAT_NVFP4, 16, 4, 0.26},
    {FP4_FORMAT_MXFP8_E4M3, 32, 8, 0.13}, {FP4_FORMAT_MXFP8_E5M2, 32, 8, 0.13},
    {FP4_FORMAT_MXFP6_E2M3, 32, 6, 0.07}, {FP4_FORMAT_MXFP6_E3M2, 32, 6, 0.13},
    {FP4_FORMAT_MXINT8, 32, 8, 0.02},
};

struct Quantized {
    std::vector<uint8_t> codes, scales;
    float tensor_scale = -1;
};

Quantized quantize(const Format& format, const char* rule, const std::vector<float>& values, size_t rows,
                   size_t columns) {
    Quantized result;
    result.codes.resize(rows * fp4_row_code_bytes(format.id, columns));
    result.scales.resize(rows * fp4_row_scale_bytes(format.id, columns));
    fp4_status status = fp4_quantize_rows(format.id, rule, values.data(), rows, columns, result.codes.data(),
                                          result.scales.data(), &result.tensor_scale);
    REQUIRE_MESSAGE(status == FP4_OK, fp4_last_error());
    return result;
}

std::vector<float> dequantize(const Format& format, const Quantized& from, size_t rows, size_t columns) {
    std::vector<float> values(rows * columns, -99);
    REQUIRE(fp4_dequantize_rows(format.id, from.codes.data(), from.scales.data(), from.tensor_scale, rows,
                                columns, values.data()) == FP4_OK);
    return values;
}

std::vector<float> normal_values(size_t count) {
    std::mt19937 random(42);
    std::normal_distribution<float> normal(0, 3);
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
}

} // namespace

TEST_CASE("row sizes") {
    for (const Format& format : formats) {
        CAPTURE(format.id);
        for (size_t columns : {size_t(1), size_t(16), size_t(31), size_t(32), size_t(33), size_t(4096)}) {
            const size_t blocks = (columns + format.block - 1) / format.block;
            CHECK(fp4_row_scale_bytes(format.id, columns) == blocks);
            CHECK(fp4_row_code_bytes(format.id, columns) >=
                  static_cast<size_t>(std::ceil(columns * format.bits / 8)));
            CHECK(fp4_row_code_bytes(format.id, columns) <=
                  static_cast<size_t>(blocks * format.block * format.bits / 8));
        }
    }
    for (int32_t bad : {-1, 7, INT32_MAX, INT32_MIN}) {
        CHECK(fp4_row_code_bytes(bad, 32) == 0);
        CHECK(fp4_row_scale_bytes(bad, 32) == 0);
    }
}

TEST_CASE("round trips are close, and exact the second time") {
    constexpr size_t rows = 5, columns = 100;
    const std::vector<float> values = normal_values(rows * columns);
    for (const Format& format : formats) {
        CAPTURE(format.id);
        Quantized quantized = quantize(format, nullptr, values, rows, columns);
        CHECK(quantized.tensor_scale > 0);
        if (format.id != FP4_FORMAT_NVFP4) CHECK(quantized.tensor_scale == 1);
        std::vector<float> back = dequantize(format, quantized, rows, columns);
        for (size_t i = 0; i < values.size(); ++i) {
            size_t begin = i / columns * columns + i % columns / format.block * format.block;
            size_t end = std::min(begin + format.block, (i / columns + 1) * columns);
            float amax = 0;
            for (size_t k = begin; k < end; ++k) amax = std::max(amax, std::abs(values[k]));
            REQUIRE(std::abs(back[i] - values[i]) <= format.worst_step * amax);
        }
        // NULL means "mse".
        Quantized named = quantize(format, "mse", values, rows, columns);
        CHECK(named.codes == quantized.codes);
        CHECK(named.scales == quantized.scales);
        // What the codes can say exactly stays as it is, whatever the scale search picks; NVFP4's tensor
        // scale moves.
        if (format.id != FP4_FORMAT_NVFP4) {
            CHECK(dequantize(format, quantize(format, nullptr, back, rows, columns), rows, columns) == back);
        }
    }
}

TEST_CASE("rules apply to their formats only") {
    const std::vector<float> values = normal_values(64);
    std::vector<uint8_t> codes(64), scales(64);
    float scale = -5;
    auto with = [&](int32_t format, const char* rule) {
        return fp4_quantize_rows(format, rule, values.data(), 2, 32, codes.data(), scales.data(), &scale);
    };
    for (const char* rule : {"floor", "ceil", "even", "uos", "prescale34", "mse"})
        CHECK_WORKS(with(FP4_FORMAT_MXFP4, rule));
    for (const char* rule : {"amax", "four-over-six", "mse"}) CHECK_WORKS(with(FP4_FORMAT_NVFP4, rule));
    CHECK_WORKS(with(FP4_FORMAT_MXFP8_E4M3, "tensor"));
    scale = -5;
    for (const char* rule : {"amax", "four-over-six", "tensor", "", "MSE", "no such rule"}) {
        CHECK_FAILS(with(FP4_FORMAT_MXFP4, rule), FP4_E_ARGUMENT);
        CHECK(std::strstr(fp4_last_error(), rule) != nullptr);
    }
    for (const char* rule : {"floor", "ceil", "uos"})
        CHECK_FAILS(with(FP4_FORMAT_NVFP4, rule), FP4_E_ARGUMENT);
    for (int32_t bad : {-1, 7, INT32_MAX}) CHECK_FAILS(with(bad, nullptr), FP4_E_ARGUMENT);
    auto sized = [&](size_t rows, size_t columns) {
        return fp4_quantize_rows(FP4_FORMAT_MXFP4, nullptr, values.data(), rows, columns, codes.data(),
                                 scales.data(), &scale);
    };
    CHECK_FAILS(sized(1, 0), FP4_E_ARGUMENT);
    CHECK_FAILS(sized(SIZE_MAX, 2), FP4_E_ARGUMENT);
    CHECK_FAILS(sized(SIZE_MAX / 4, 2), FP4_E_ARGUMENT);
    CHECK(scale == -5);
    CHECK_WORKS(sized(0, 32));
    CHECK(scale == 1);
}

TEST_CASE("rows of zeros, NaN and infinity") {
    constexpr size_t columns = 40;
    for (const Format& format : formats) {
        CAPTURE(format.id);
        std::vector<float> values = normal_values(3 * columns);
        std::fill_n(values.begin(), columns, 0.0f);
        const auto clean = dequantize(format, quantize(format, nullptr, values, 3, columns), 3, columns);
        for (size_t i = 0; i < columns; ++i) REQUIRE(clean[i] == 0);
        for (float bad : {std::nanf(""), INFINITY, -INFINITY}) {
            auto broken = values;
            broken[columns + 3] = bad;
            Quantized quantized = quantize(format, nullptr, broken, 3, columns);
            CHECK(std::isfinite(quantized.tensor_scale));
            const auto back = dequantize(format, quantized, 3, columns);
            // Neither is silently a number, and the other rows are those of a tensor without this one.
            CHECK(!std::isfinite(back[columns + 3]));
            for (size_t i = 0; i < columns; ++i) {
                REQUIRE(back[i] == 0);
                REQUIRE(std::isfinite(back[2 * columns + i]));
            }
        }
    }
}
