// WUSH: for each block of channels the matrix that gives inputs and weights the same, evenly spread
// covariance.
#pragma once

#include "libfp4/quant/transform/site_transform.h"

namespace fp4 {

// What WUSH needs to know about the weights over one site.
struct BlockGrams {
    uint32_t block = 0;
    size_t rows = 0;           // N: rows of all weights together
    std::vector<double> grams; // [K / block, block, block]: sums over the rows of w_b^T w_b
};

// Adds the rows of one weight, [rows, K]. block and the grams' size are set by the first call.
Result<void> add_block_grams(const float* weights, size_t rows, size_t cols, uint32_t block, BlockGrams& sums,
                             ThreadPool& pool);

struct WushOptions {
    double damping = 0.01;          // of the mean of the diagonal, added to each block's gram of inputs
    double spectrum_damping = 0.01; // of the mean singular value, added to the singular values
};

// WUSH (arXiv 2512.00956, section 3): per block, gram + damping = U^T U, U W_b^T = V S Z^T, s = S / sqrt(N) +
// damping, x' = x U^-1 V diag(sqrt s) H with H the normalized Hadamard matrix; without damping, inputs and
// weights / sqrt(N) then both have the covariance H s H. gram: [K, K], mean of x^T x. channel_scale is none:
// scales would cancel. Deviation: the SVD is the eigen-decomposition of U (W_b^T W_b) U^T, so that rows need
// not be kept. A block without inputs takes the unit matrix as its gram, one without weights takes s = 1.
Result<SiteTransform> wush_transform(const std::vector<double>& gram, size_t cols, const BlockGrams& weights,
                                     const WushOptions& options, ThreadPool& pool);

} // namespace fp4
