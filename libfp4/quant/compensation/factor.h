// The triangular factor that error compensation walks along: GPTQ (arXiv 2210.17323), section 3.3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "libfp4/base/result.h"

namespace fp4 {

// The order in which columns are rounded. It changes nothing at run time: codes go back to their columns.
enum class Order : uint8_t {
    natural,
    diagonal, // descending diagonal of H, column by column: block scales must be fixed beforehand
    group,    // whole blocks by descending mean diagonal: block scales may be chosen in the loop
};

// Of the damped, permuted Hessian.
struct HessianFactor {
    size_t cols = 0;             // K
    std::vector<uint32_t> order; // order[i] = original column processed at step i
    std::vector<float> upper;    // [K, K] row-major upper U with (H + damping)^-1 = U^T U in that order
    double damping = 0;          // share of the mean live diagonal that was finally added
    uint32_t retries = 0;        // how often damping had to grow before the factorization succeeded
    size_t dead_columns = 0;     // columns with zero diagonal: inputs that were always zero
};

// gram: [K, K], symmetric (its lower triangle is read). group: columns that share a scale, for Order::group.
// A matrix that is not positive definite is damped ten times more (from 1e-6 when damping is 0) until it is;
// `retries` tells how often. It fails when even a hundred times the mean diagonal does not help, or when the
// gram holds NaN, infinity or a negative diagonal. When all columns are dead, nothing is known about the
// inputs: H is then the identity, which makes compensation plain rounding.
Result<HessianFactor> factor_hessian(const std::vector<double>& gram, size_t cols, Order order, size_t group,
                                     double damping);

} // namespace fp4
