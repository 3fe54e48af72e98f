// Descent over the codes and scales of a tile after the column loop: what GPTQ leaves, because a column is
// rounded before the errors of later columns are known.
#pragma once

#include <cstdint>
#include <vector>

#include "libfp4/quant/compensation/weight_tile.h"

namespace fp4 {

// `sweeps` times over the blocks of every row: the codes one by one to their best grid value given all
// others, with the block's scale as it is and one code up and down; the best of the three is kept if the
// error of the row falls. hessian: [K, K] float32; gram: the same in double. A row whose error, recomputed
// in double, did not fall gets its codes and scales back. Returns the rows that were improved.
uint32_t refine_tile(WeightTile& tile, const std::vector<float>& hessian, const std::vector<double>& gram,
                     uint32_t sweeps);

} // namespace fp4
