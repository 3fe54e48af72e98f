// The Fastfood random matrix.
#pragma once

#include <cstddef>
#include <vector>

#include "libfp4/quant/transform/random_draws.h"

namespace fp4 {

struct FastFood {
    std::vector<double> matrix;            // [k, k] row-major
    std::vector<double> inverse_transpose; // [k, k]
};

// M = S H G P H B / (sigma sqrt k) (Le, Sarlos, Smola, "Fastfood - approximating kernel expansions in
// loglinear time", ICML 2013, section 4.1), H unnormalized, sigma = 1 / sqrt 2, B random signs, P a random
// permutation, G ~ N(0, 1). S_i is a chi(k) sample over |G_ii|, as FP-Quant draws it (the paper divides by
// G's Frobenius norm).
FastFood draw_fast_food(size_t k, RandomDraws& draws);

} // namespace fp4
