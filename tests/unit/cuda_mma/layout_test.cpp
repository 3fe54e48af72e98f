// The layout that the matrix kernels read is the one weights are stored in, and no two elements share a
// place.
#include <doctest/doctest.h>

#include <set>

#include "cuda/device/weight_view.h"
#include "cuda/gemm/fp4_layout.h"

using namespace fp4;
using namespace fp4::cuda;

TEST_CASE("packed weights: the same places as weight_view.h") {
    for (WeightFormat format : {WeightFormat::mxfp4, WeightFormat::nvfp4}) {
        WeightView view;
        view.format = format;
        view.rows = 37;
        view.cols = 672;
        size_t wrong = 0;
        for (uint32_t row = 0; row < view.rows; ++row)
            for (uint32_t column = 0; column < view.cols; ++column) {
                const PackedPlace place = packed_place(view, row, column);
                wrong += place.byte != weight_code_offset(view.cols, row, column);
                wrong += place.scale != weight_scale_offset(to_block(format), view.cols, row, column);
            }
        CHECK(wrong == 0);
    }
}

TEST_CASE("E4M3 panels: every element has its own place") {
    const size_t panel_rows = 256, cols = 384;
    std::set<size_t> places;
    for (size_t row = 0; row < panel_rows; ++row)
        for (size_t column = 0; column < cols; ++column)
            places.insert(e4m3_panel_offset(panel_rows, row, column));
    CHECK(places.size() == panel_rows * cols);
    CHECK(*places.rbegin() < e4m3_bytes(panel_rows, cols));
}

TEST_CASE("half-precision panels and activation scales: every element has its own place") {
    const size_t panel_rows = 256, rows = 256, cols = 192;
    std::set<size_t> places;
    for (size_t row = 0; row < rows; ++row)
        for (size_t column = 0; column < cols; ++column) places.insert(half_offset(panel_rows, row, column));
    CHECK(places.size() == rows * cols);
    CHECK(*places.rbegin() < half_bytes(panel_rows, cols));
    for (BlockFormat format : {BlockFormat::mxfp4, BlockFormat::nvfp4}) {
        places.clear();
        const size_t blocks = 384 / (format == BlockFormat::nvfp4 ? 16 : 32);
        for (size_t row = 0; row < 200; ++row)
            for (size_t block = 0; block < blocks; ++block)
                places.insert(scale_offset(format, 384, row, block));
        CHECK(places.size() == 200 * blocks);
        CHECK(*places.rbegin() < scale_bytes(format, 200, 384));
    }
}
