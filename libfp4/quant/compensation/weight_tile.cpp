#include "libfp4/quant/compensation/weight_tile.h"

#include <algorithm>
#include <array>

#include "libfp4/format/block_element.h"
#include "libfp4/format/pack.h"
#include "libfp4/format/scale_rule.h"
#include "libfp4/format/scale_search.h"

namespace fp4 {

WeightTile::WeightTile(BlockFormat format, float tensor_scale, size_t cols)
    : original(cols * tile_rows),
      elements(cols * tile_rows),
      inverse(row_scales(format, cols) * tile_rows),
      scale(inverse.size()),
      scale_codes(inverse.size()),
      format_(format),
      element_(block_element(format).magnitude),
      tensor_scale_(tensor_scale),
      cols_(cols),
      blocks_(row_scales(format, cols)) {}

void WeightTile::load(const float* weights, size_t rows) {
    rows_ = rows;
    if (rows < tile_rows) std::fill(original.begin(), original.end(), 0.0f);
    for (size_t r = 0; r < rows; ++r)
        for (size_t k = 0; k < cols_; ++k) original[k * tile_rows + r] = weights[r * cols_ + k];
}

void WeightTile::set_scale(size_t block, size_t row, uint8_t code, bool empty) {
    const size_t at = block * tile_rows + row;
    scale_codes[at] = code;
    scale[at] = block_scale_value(format_, code);
    inverse[at] = scaled_inverse(code, empty);
}

float WeightTile::scaled_inverse(uint8_t code, bool empty) const {
    return empty ? 0.0f : inverse_block_scale(format_, tensor_scale_, code);
}

TileGrid WeightTile::grid(size_t first_block) const {
    return {element_, tensor_scale_, inverse.data() + first_block * tile_rows,
            scale.data() + first_block * tile_rows};
}

size_t WeightTile::block_columns(size_t block) const {
    return std::min(block_size(format_), cols_ - block * block_size(format_));
}

float WeightTile::value(size_t column, size_t row) const {
    const size_t block = column / block_size(format_);
    return elements[column * tile_rows + row] * scale[block * tile_rows + row] * tensor_scale_;
}

void WeightTile::difference(std::vector<double>& result) const {
    result.resize(original.size());
    for (size_t k = 0; k < cols_; ++k)
        for (size_t r = 0; r < tile_rows; ++r)
            result[k * tile_rows + r] = double(original[k * tile_rows + r]) - value(k, r);
}

void WeightTile::encode(uint8_t* codes, uint8_t* scales, float* values) const {
    const BlockElement element = block_element(format_);
    const size_t block = block_size(format_);
    const size_t block_codes = row_code_bytes(format_, block);
    const size_t row_codes = row_code_bytes(format_, cols_);
    for (size_t r = 0; r < rows_; ++r) {
        uint8_t* row = codes + r * row_codes;
        for (size_t b = 0; b < blocks_; ++b) {
            std::array<uint8_t, 32> unpacked{};
            if (inverse[b * tile_rows + r] != 0)
                for (size_t i = 0; i < block_columns(b); ++i)
                    unpacked[i] = encode_block_element(element, elements[(b * block + i) * tile_rows + r]);
            pack_codes(element.bits, unpacked.data(), block, row + b * block_codes);
            scales[r * blocks_ + b] = scale_codes[b * tile_rows + r];
        }
        dequantize_row(format_, tensor_scale_, row, scales + r * blocks_, cols_, values + r * cols_);
    }
}

} // namespace fp4
