// The transform of one linear input (design: one slot per input site): x -> x S M, and its inverse on the
// weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/base/thread_pool.h"
#include "libfp4/engine/backend.h"

namespace fp4 {

// y = x W^T = (x S M)(W S^-1 M^-T)^T, where S is diagonal and M block-diagonal.
struct SiteTransform {
    size_t cols = 0;                    // K
    std::vector<double> channel_scale;  // [K] or empty (ones): x_j is multiplied with it, W's column divided
    uint32_t block = 0;                 // 0: no matrix; else 16, 32, 64 or 128, divides K
    bool hadamard = false;              // the matrix is Sylvester's Hadamard / sqrt(block); both are empty
    std::vector<double> matrix;         // [1 or K / block, block, block], row-major: x' = x M
    std::vector<double> weight_matrix;  // same shape, M^-T: w' = w M^-T
    std::optional<BlockFormat> storage; // the matrices' numbers are exact in it (matrix_inverse.h)

    bool identity() const { return channel_scale.empty() && block == 0; }
};

// Whether a transform of `block` channels fits an input of `cols` channels.
Result<void> check_transform_block(size_t cols, uint32_t block);

// Multiplies the inputs with `scale` [K] before everything that the transform does.
void prepend_channel_scale(SiteTransform& transform, std::span<const double> scale);

void transform_input(const SiteTransform& transform, double* x);  // [K]
void transform_weight(const SiteTransform& transform, double* w); // [K], one row

// weights: [rows, K] in place; computed in double, stored in float32.
void transform_weights(const SiteTransform& transform, float* weights, size_t rows, ThreadPool& pool);

// gram: [K, K] in place, T^T G T with T = S M: x^T x (or y^T x) of plain inputs becomes that of transformed
// ones.
void transform_gram(const SiteTransform& transform, std::vector<double>& gram, ThreadPool& pool);

// What the engine does to the inputs, in float32.
InputTransform input_transform(const SiteTransform& transform);

} // namespace fp4
