// The hot loops of error compensation, on a tile of 32 rows stored transposed, [K][32]: every step does the
// same for all rows, so it is a vector operation with one broadcast factor (one GPU thread a row does the
// same). Products and sums are rounded separately: the same bytes with and without FMA.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libfp4/format/block_format.h"
#include "libfp4/format/small_float.h"

namespace fp4 {

inline constexpr size_t tile_rows = 32;

// The grid of a tile's blocks: value = element x block scale x tensor scale.
struct TileGrid {
    SmallFloat element;
    float tensor_scale;
    const float* inverse; // [blocks][32]: 1 / (block scale x tensor scale); 0 for a block of zeros
    const float* scale;   // [blocks][32]
};

// Rounds steps [first, last) of weights [K][32] (in step order) and adds their errors to steps up to `end`:
//   e_j = (w_j - Q(w_j)) / U_jj,  w_k -= e_j U_jk for j < k < end.
// upper: [K, K], or null for plain rounding. block_of, columns: [K], block and column of a step.
// errors: [K][32] by step; elements: [K][32] by column, signed grid elements.
void compensate_columns(const TileGrid& grid, const float* upper, size_t cols, const uint32_t* block_of,
                        const uint32_t* columns, size_t first, size_t last, size_t end, float* weights,
                        float* errors, float* elements);

// target_k -= sum over j in [j0, j1) of factors_j x matrix[j][k], for k in [k0, k1). target, factors:
// [K][32].
void subtract_products(const float* matrix, size_t cols, const float* factors, size_t j0, size_t j1,
                       size_t k0, size_t k1, float* target);

// One block of coordinate descent. With d = w - q and g = H d, moving q_j by m changes d H d^T by
// m (m H_jj - 2 g_j); the best grid value is the one nearest to q_j + g_j / H_jj.
struct BlockDescent {
    const float* hessian; // H at [block's first column][block's first column]
    size_t stride;        // K
    size_t columns;       // of the block, at most 32
    uint32_t passes;
};

// grid holds this block alone. values, gradient: [columns][32], updated; elements: written; gain: [32], by
// how much d H d^T falls.
void descend_block(const BlockDescent& problem, const TileGrid& grid, float* values, float* gradient,
                   float* elements, float* gain);

// result[r] = d H d^T of row r; difference [K][32], gram [K, K] symmetric, lower triangle.
void quadratic_form(const double* gram, size_t cols, const double* difference, double* result);

} // namespace fp4
