// Which sites get more bits, under a budget of bits per weight.
#pragma once

#include "libfp4/base/job.h"
#include "libfp4/quant/layered_quantizer.h"

namespace fp4 {

// What rounding a site to a format costs.
struct FormatCost {
    BlockFormat format = BlockFormat::mxfp4;
    double error = 0; // relative squared error of the outputs (output_error.h)
};
struct SiteCosts {
    uint64_t weights = 0;
    std::vector<FormatCost> formats;
};

// Index of the format of each site: the smallest sum of errors that a greedy search finds below the budget.
// It begins with the fewest bits everywhere and takes the step with the largest fall of error per bit, again
// and again. Fails when even the fewest bits are more than the budget.
Result<std::vector<size_t>> spend_bits(const std::vector<SiteCosts>& sites, double bits_per_weight);

// The recipe's choice.formats as rules for tensors, by one pass of the original model over the calibration
// text. The recipe's own rules come first; tensors they match are not counted.
Result<std::vector<KeepRule>> choose_formats(const LayeredRequest& request, JobControl& job);

} // namespace fp4
