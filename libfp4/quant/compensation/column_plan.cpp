#include "libfp4/quant/compensation/column_plan.h"

#include <algorithm>
#include <numeric>

namespace fp4 {
namespace {

Result<void> check_order(const std::vector<uint32_t>& columns) {
    std::vector<bool> seen(columns.size());
    for (uint32_t column : columns) {
        if (column >= seen.size() || seen[column])
            return error(Status::argument, "the Hessian factor's order is no permutation: column ", column);
        seen[column] = true;
    }
    return {};
}

} // namespace

size_t ColumnPlan::run_end(size_t step) const {
    size_t end = step + 1;
    while (end < block_of.size() && block_of[end] == block_of[step]) ++end;
    return end;
}

Result<ColumnPlan> plan_columns(const HessianFactor* factor, size_t cols, size_t scale_block,
                                size_t column_block, bool whole_scale_blocks) {
    if (column_block == 0) return error(Status::argument, "column_block must not be 0");
    ColumnPlan plan;
    if (factor) {
        plan.columns = factor->order;
        FP4_TRY(check_order(plan.columns));
    } else {
        plan.columns.resize(cols);
        std::iota(plan.columns.begin(), plan.columns.end(), 0u);
    }
    plan.block_of.resize(cols);
    for (size_t i = 0; i < cols; ++i) plan.block_of[i] = plan.columns[i] / static_cast<uint32_t>(scale_block);
    if (whole_scale_blocks) {
        size_t runs = 0;
        for (size_t step = 0; step < cols; step = plan.run_end(step)) ++runs;
        if (runs != (cols + scale_block - 1) / scale_block)
            return error(Status::argument, "scales chosen in the loop need an order that keeps blocks of ",
                         scale_block, " columns together: natural or group, not diagonal");
    }
    for (size_t end = 0; end < cols;) {
        end = std::min(end + column_block, cols);
        if (whole_scale_blocks) end = plan.run_end(end - 1);
        plan.block_ends.push_back(end);
    }
    return plan;
}

} // namespace fp4
