// How much an error in the weights changes a layer's output.
#pragma once

#include <cstddef>
#include <vector>

#include "libfp4/base/thread_pool.h"

namespace fp4 {

// tr(D G D^T), the mean over tokens of |x D^T|^2. difference: D [rows, K]; gram: G [K, K], symmetric, mean of
// x^T x. Does not depend on the number of threads.
double layer_error(const float* difference, size_t rows, size_t cols, const std::vector<double>& gram,
                   ThreadPool& pool);

} // namespace fp4
