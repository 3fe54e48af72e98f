// Random orthogonal matrices.
#pragma once

#include <cstddef>
#include <vector>

#include "libfp4/quant/transform/random_draws.h"

namespace fp4 {

// The Q-factor of QR of an n x n Gaussian matrix with R's diagonal made positive: uniform (Haar) over the
// orthogonal group (Mezzadri, "How to generate random matrices from the classical compact groups", 2007).
// [n, n] row-major.
std::vector<double> random_orthogonal(size_t n, RandomDraws& draws);

} // namespace fp4
