// Rounding into operands of the matrix kernels, in the lane simulator: bit for bit the codec's codes and
// scales, at the places of fp4_layout.h.
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "cuda/gemm/round_kernel.h"
#include "libfp4/format/element.h"

using namespace fp4;
using namespace fp4::cuda;

namespace {

struct Identity {
    void operator()(uint32_t, float (&)[4]) const {}
};

// Rows of several magnitudes, with zero blocks, a subnormal, NaN and Inf.
std::vector<float> random_rows(size_t rows, size_t cols, std::mt19937& random) {
    std::normal_distribution<float> normal;
    std::vector<float> x(rows * cols);
    for (size_t i = 0; i < x.size(); ++i)
        x[i] = i / 32 % 7 == 3 ? 0.0f : std::ldexp(normal(random), static_cast<int>(i / cols % 5) * 17 - 30);
    x[5] = 1e-42f;
    if (rows > 2) x[2 * cols + 40] = NAN;
    if (rows > 3) x[3 * cols + 1] = INFINITY;
    return x;
}

template <BlockFormat format>
void check_blocks(size_t rows, size_t cols, ScaleRule rule, float fixed_scale, std::mt19937& random) {
    const std::vector<float> x = random_rows(rows, cols, random);
    std::vector<uint8_t> codes(rows * code_row_bytes(format, cols), 0xEE),
        scales(scale_bytes(format, rows, cols), 0xEE);
    std::vector<float> row_scale(rows, 1.0f);
    RoundArguments arguments{x.data(), cols, {}, rule, fixed_scale};
    arguments.to.codes = codes.data();
    arguments.to.scales = scales.data();
    arguments.to.row_scale = row_scale.data();
    arguments.to.cols = static_cast<uint32_t>(cols);
    lanes::launch({static_cast<unsigned>(rows), 1, 1}, round_threads, 64,
                  [&] { round_row_blocks<format>(arguments, Identity()); });
    size_t wrong = 0;
    for (size_t row = 0; row < rows; ++row) {
        const float* values = x.data() + row * cols;
        std::vector<uint8_t> expected_codes(row_code_bytes(format, cols)), expected(row_scales(format, cols));
        float scale = 1.0f;
        if (format == BlockFormat::nvfp4)
            scale = fixed_scale != 0 ? fixed_scale : tensor_scale_for(format, rule, row_amax(values, cols));
        quantize_row(format, rule, scale, values, cols, expected_codes.data(), expected.data());
        wrong += row_scale[row] != scale;
        for (size_t i = 0; i < code_row_bytes(format, cols); ++i) {
            const size_t place = format == BlockFormat::mxfp8_e4m3 ? e4m3_offset(i) : i;
            wrong += codes[row * code_row_bytes(format, cols) + place] !=
                     (i < expected_codes.size() ? expected_codes[i] : 0);
        }
        const size_t blocks = padded_cols(cols) / block_size(format);
        for (size_t i = 0; i < blocks; ++i)
            wrong += scales[scale_offset(format, cols, row, i)] != (i < expected.size() ? expected[i] : 0);
    }
    INFO("format ", int(format), " rows ", rows, " cols ", cols, " rule ", int(rule));
    CHECK(wrong == 0);
}

} // namespace

TEST_CASE("rounding to block operands is the codec's, bit for bit") {
    std::mt19937 random(21);
    for (ScaleRule rule : {ScaleRule::floor, ScaleRule::ceil, ScaleRule::even, ScaleRule::uos})
        check_blocks<BlockFormat::mxfp4>(5, 352, rule, 0.0f, random);
    check_blocks<BlockFormat::mxfp8_e4m3>(5, 352, ScaleRule::even, 0.0f, random);
    check_blocks<BlockFormat::mxfp8_e4m3>(3, 64, ScaleRule::ceil, 0.0f, random);
    check_blocks<BlockFormat::mxfp4>(130, 64, ScaleRule::even, 0.0f, random);
    check_blocks<BlockFormat::nvfp4>(7, 1296, ScaleRule::amax, 0.0f, random);
    check_blocks<BlockFormat::nvfp4>(4, 80, ScaleRule::amax, 0.0625f, random);
}

TEST_CASE("half-precision panels: every value at its place") {
    std::mt19937 random(22);
    const size_t rows = 6, cols = 224, panel_rows = 256;
    std::vector<float> x = random_rows(2, cols, random);
    for (size_t row = 2; row < rows; ++row)
        for (size_t i = 0; i < cols; ++i)
            x.push_back(std::ldexp(static_cast<float>(random() % 2001) - 1000.0f, int(row) * 9 - 30));
    std::vector<uint8_t> half(half_bytes(panel_rows, cols), 0xEE);
    std::vector<float> row_scale(rows);
    RoundArguments arguments{x.data(), cols, {}, ScaleRule::even, 0.0f};
    arguments.to.half = half.data();
    arguments.to.panel_rows = panel_rows;
    arguments.to.row_scale = row_scale.data();
    arguments.to.cols = static_cast<uint32_t>(cols);
    lanes::launch({static_cast<unsigned>(rows), 1, 1}, round_threads, 64,
                  [&] { round_row_half(arguments, Identity()); });
    size_t wrong = 0;
    for (size_t row = 0; row < rows; ++row)
        for (size_t column = 0; column < padded_cols(cols); ++column) {
            uint16_t code;
            std::memcpy(&code, half.data() + half_offset(panel_rows, row, column), 2);
            const float value = column < cols ? x[row * cols + column] : 0.0f;
            wrong += code != encode_f16(value / row_scale[row]);
        }
    CHECK(wrong == 0);
}
