// In which steps the columns of a matrix are rounded, and where the lazy blocks of columns end.
#pragma once

#include <cstdint>
#include <vector>

#include "libfp4/quant/compensation/factor.h"

namespace fp4 {

struct ColumnPlan {
    std::vector<uint32_t> columns;  // [K] column of a step
    std::vector<uint32_t> block_of; // [K] scale block of a step
    std::vector<size_t> block_ends; // steps at which the rest of the columns is brought up to date

    // End of the run of steps in the same scale block.
    size_t run_end(size_t step) const;
};

// factor null: natural order. whole_scale_blocks (scales chosen in the loop): the order must keep each block
// of scales together, and lazy blocks grow until they hold whole ones.
Result<ColumnPlan> plan_columns(const HessianFactor* factor, size_t cols, size_t scale_block,
                                size_t column_block, bool whole_scale_blocks);

} // namespace fp4
