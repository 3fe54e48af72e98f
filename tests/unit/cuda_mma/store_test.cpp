// Rounded rows stored as operands of the matrix kernels, in the lane simulator: every code, scale and value
// at its place of fp4_layout.h.
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "cuda/gemm/store_operand.h"
#include "libfp4/format/element.h"

using namespace fp4;
using namespace fp4::cuda;

namespace {

constexpr unsigned threads = 64; // two warps, runs in turn

// Calls store(row, column) for every four columns.
template <class Store>
void for_each_run(size_t rows, size_t cols, Store&& store) {
    lanes::launch({static_cast<unsigned>(rows), 1, 1}, threads, 64, [&] {
        for (uint32_t run = threadIdx.x / 32; run * 128 < cols; run += threads / 32)
            store(blockIdx.x, run * 128 + threadIdx.x % 32 * 4);
    });
}

template <BlockFormat format>
void check_blocks(size_t rows, size_t cols, std::mt19937& random) {
    const size_t width = padded_cols(cols), blocks = width / block_size(format);
    std::vector<uint8_t> values(rows * width), block_scales(rows * blocks);
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = i % width < cols
                        ? static_cast<uint8_t>(random() % (format == BlockFormat::mxfp8_e4m3 ? 256 : 16))
                        : uint8_t(0);
    for (uint8_t& scale : block_scales) scale = static_cast<uint8_t>(random());
    std::vector<uint8_t> codes(rows * code_row_bytes(format, cols), 0xEE),
        scales(scale_bytes(format, rows, cols), 0xEE);
    GemmOperand to;
    to.codes = codes.data(), to.scales = scales.data(), to.cols = static_cast<uint32_t>(cols);
    constexpr uint32_t bits = format == BlockFormat::mxfp8_e4m3 ? 8 : 4;
    for_each_run(rows, cols, [&](uint32_t row, uint32_t column) {
        uint32_t word = 0;
        for (uint32_t e = 0; e < 4; ++e) word |= uint32_t(values[row * width + column + e]) << bits * e;
        store_block_run<format>(to, row, column, word,
                                block_scales[row * blocks + column / block_size(format)]);
    });
    size_t wrong = 0;
    for (size_t row = 0; row < rows; ++row) {
        const uint8_t* own = codes.data() + row * code_row_bytes(format, cols);
        for (size_t column = 0; column < width; ++column) {
            const uint32_t code =
                bits == 8 ? own[e4m3_offset(column)] : own[column / 2] >> column % 2 * 4 & 15;
            wrong += code != values[row * width + column];
        }
        for (size_t i = 0; i < blocks; ++i)
            wrong += scales[scale_offset(format, cols, row, i)] != block_scales[row * blocks + i];
    }
    INFO("format ", int(format), " rows ", rows, " cols ", cols);
    CHECK(wrong == 0);
}

} // namespace

TEST_CASE("block operands: every code and scale at its place") {
    std::mt19937 random(21);
    check_blocks<BlockFormat::mxfp4>(5, 352, random);
    check_blocks<BlockFormat::mxfp4>(130, 64, random);
    check_blocks<BlockFormat::nvfp4>(7, 1296, random);
    check_blocks<BlockFormat::nvfp4>(131, 80, random);
    check_blocks<BlockFormat::mxfp8_e4m3>(5, 352, random);
    check_blocks<BlockFormat::mxfp8_e4m3>(130, 64, random);
}

TEST_CASE("half-precision panels: every value at its place") {
    std::mt19937 random(22);
    const size_t rows = 6, cols = 224, panel_rows = 256;
    std::vector<float> x(rows * padded_cols(cols));
    for (float& value : x) value = static_cast<float>(random() % 2001) - 1000.0f;
    std::vector<uint8_t> half(half_bytes(panel_rows, cols), 0xEE);
    GemmOperand to;
    to.half = half.data(), to.panel_rows = panel_rows;
    for_each_run(rows, cols, [&](uint32_t row, uint32_t column) {
        float v[4];
        for (uint32_t e = 0; e < 4; ++e) v[e] = x[row * padded_cols(cols) + column + e];
        store_half_run(to, row, column, v);
    });
    size_t wrong = 0;
    for (size_t row = 0; row < rows; ++row)
        for (size_t column = 0; column < padded_cols(cols); ++column) {
            uint16_t code;
            std::memcpy(&code, half.data() + half_offset(panel_rows, row, column), 2);
            wrong += code != encode_f16(x[row * padded_cols(cols) + column]);
        }
    CHECK(wrong == 0);
}

TEST_CASE("E4M3 panels: every code at its place") {
    std::mt19937 random(23);
    const size_t rows = 9, cols = 224, panel_rows = 256;
    std::vector<uint8_t> codes(rows * padded_cols(cols)), panels(e4m3_bytes(panel_rows, cols), 0xEE);
    for (uint8_t& code : codes) code = static_cast<uint8_t>(random());
    GemmOperand to;
    to.e4m3 = panels.data(), to.panel_rows = panel_rows;
    for_each_run(rows, cols, [&](uint32_t row, uint32_t column) {
        uint32_t word;
        std::memcpy(&word, codes.data() + row * padded_cols(cols) + column, 4);
        store_e4m3_run(to, row, column, word);
    });
    size_t wrong = 0;
    for (size_t row = 0; row < rows; ++row)
        for (size_t column = 0; column < padded_cols(cols); ++column)
            wrong +=
                panels[e4m3_panel_offset(panel_rows, row, column)] != codes[row * padded_cols(cols) + column];
    CHECK(wrong == 0);
}
