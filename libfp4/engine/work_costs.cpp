#include "libfp4/engine/work_costs.h"

namespace fp4 {
namespace {

// How many units of a known cost fit a quarter of the budget, at most `most`.
size_t units_in_quarter(const CostEstimate& cost, uint64_t budget_us, size_t most) {
    const double fitting = static_cast<double>(budget_us) / 4 / cost.us();
    return fitting < static_cast<double>(most) ? static_cast<size_t>(fitting) : most;
}

} // namespace

size_t WorkCosts::prompt_tokens(uint64_t budget_us, size_t most) const {
    constexpr size_t first_guess = 8; // nothing measured yet
    if (!layer_per_token.known()) return budget_us >= unhurried_us ? most : std::min(most, first_guess);
    // Two at least: a pass of one token, another kind of work, would never correct an estimate that came out
    // too large.
    return std::min(most, std::max<size_t>(2, units_in_quarter(layer_per_token, budget_us, most)));
}

size_t WorkCosts::head_rows(uint64_t budget_us, size_t left, size_t rows) const {
    if (!head_row.known() && budget_us >= unhurried_us) return left;
    const size_t least = (rows + head_pieces - 1) / head_pieces;
    const size_t fitting = head_row.known() ? units_in_quarter(head_row, budget_us, left) : 0;
    return std::min(left, std::max(least, fitting));
}

double WorkCosts::expected_us(const CostEstimate& cost, size_t units, uint64_t budget_us) {
    if (cost.known()) return cost.us() * static_cast<double>(units);
    return budget_us >= unhurried_us ? 0 : static_cast<double>(budget_us);
}

} // namespace fp4
