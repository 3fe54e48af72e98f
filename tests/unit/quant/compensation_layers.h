// Random layers for the tests of error compensation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fp4::test {

// [N, K], normal, with a few large columns.
std::vector<float> random_weights(size_t rows, size_t cols, uint64_t seed);

// Mean of x^T x over `tokens` inputs, each an AR(1) sequence along the channels (x_j = rho x_{j-1} + noise)
// times a channel's own size. tokens < cols: rank deficient.
std::vector<double> random_gram(size_t cols, size_t tokens, double rho, uint64_t seed);

std::vector<double> identity_gram(size_t cols);

// tr(D H D^T) for D = a - b, in double, as the definition says.
double error_of(const std::vector<float>& a, const std::vector<float>& b, const std::vector<double>& gram,
                size_t cols);

} // namespace fp4::test
