// The weights' side of a transform from the inputs' side, and matrices rounded for storage.
#pragma once

#include "libfp4/format/block_format.h"
#include "libfp4/quant/transform/site_transform.h"

namespace fp4 {

// weight_matrix = matrix^-T, block by block. False where a matrix has no usable inverse: then float32 inputs
// and weights would no longer cancel to the original product.
bool invert_matrices(SiteTransform& transform);

// Rounds the matrices' rows to a block format, best scales, and inverts what is left, so that the product
// stays that of the original weights. False, and nothing changed, where that has no usable inverse. Rounding
// the result again gives the same numbers.
bool round_matrices(SiteTransform& transform, BlockFormat format);

} // namespace fp4
