// Random data and the check that all transform tests share.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "libfp4/io/json_document.h"
#include "libfp4/quant/transform/site_transform.h"

namespace fp4::test {

std::vector<double> normal_values(size_t count, uint32_t seed, double scale = 1.0);
std::vector<float> normal_floats(size_t count, uint32_t seed);
ThreadPool& test_pool(); // two threads

// Largest |y' - y| over largest |y| for random inputs and weights: y = x W^T, y' from transformed x and W.
double output_difference(const SiteTransform& transform, uint32_t seed);

// Largest |(A^T A - I)_ij|. a: [n, n].
double orthogonality_error(const std::vector<double>& a, size_t n);

// The dense [K, K] matrix of a transform of inputs (or of weights), row i = image of unit vector i.
std::vector<double> dense_matrix(const SiteTransform& transform, bool of_weights = false);

// c = a b; a: [n, k], b: [k, m].
std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b, size_t n, size_t k,
                            size_t m);
std::vector<double> transposed(const std::vector<double>& a, size_t rows, size_t cols);
double largest_difference(const std::vector<double>& a, const std::vector<double>& b);

// tests/golden/quant/transforms.json
const JsonValue& transform_golden();
std::vector<double> golden_matrix(const JsonValue& rows); // flattened

} // namespace fp4::test
