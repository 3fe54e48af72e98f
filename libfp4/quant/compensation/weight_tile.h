// 32 rows of a weight matrix on their way to codes, transposed: all arrays [K or blocks][32], by column
// unless said otherwise. Rows beyond the matrix are zero.
#pragma once

#include <vector>

#include "libfp4/quant/compensation/tile_kernels.h"

namespace fp4 {

class WeightTile {
  public:
    WeightTile(BlockFormat format, float tensor_scale, size_t cols);

    // weights: [rows, K], from the tile's first row on; rows is at most 32.
    void load(const float* weights, size_t rows);

    // Sets the scale of a block in a row; `empty` when it holds zeros only, so that its codes are zero.
    void set_scale(size_t block, size_t row, uint8_t code, bool empty);

    // What set_scale stores as inverse.
    float scaled_inverse(uint8_t code, bool empty) const;

    TileGrid grid(size_t first_block = 0) const;
    BlockFormat format() const { return format_; }
    size_t cols() const { return cols_; }
    size_t rows() const { return rows_; }
    size_t blocks() const { return blocks_; }
    size_t block_columns(size_t block) const;

    // Value of a column in a row as decoding gives it.
    float value(size_t column, size_t row) const;
    // original - value -> [K][32]
    void difference(std::vector<double>& result) const;

    // Rows to codes, scales and values as stored (block_format.h): the tile's first row on.
    void encode(uint8_t* codes, uint8_t* scales, float* values) const;

    std::vector<float> original, elements; // elements: signed, on the element's grid
    std::vector<float> inverse, scale;     // [blocks][32], see TileGrid
    std::vector<uint8_t> scale_codes;      // [blocks][32]

  private:
    BlockFormat format_;
    SmallFloat element_;
    float tensor_scale_;
    size_t cols_, blocks_, rows_ = 0;
};

} // namespace fp4
