// QuaRot's merged rotations (arXiv 2404.00456, section 4): the residual stream and the values of each head
// are rotated by changing weights only; nothing is left to do at run time. Functions of host matrices.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/base/thread_pool.h"

namespace fp4 {

// An orthogonal matrix Q = diag(signs) (H_p kron O): H_p the normalized Hadamard matrix of the largest power
// of two p that divides size, O a random orthogonal matrix of size / p (1 for powers of two).
struct GlobalRotation {
    size_t size = 0;
    std::vector<double> signs;  // [size] +-1, or empty
    std::vector<double> factor; // O, [m, m] row-major, m = size / p; empty if m = 1
    size_t factor_size = 1;     // m
};

enum class RotationSigns : uint8_t { none, random };

// The residual stream takes random signs (a plain Hadamard has an all-ones column), heads take none. At most
// 512 may remain of `size` after its powers of two.
Result<GlobalRotation> make_rotation(size_t size, RotationSigns signs, uint64_t seed);

void rotate(const GlobalRotation& rotation, double* x); // x <- x Q, [size]

// In place. Matrices wider (taller) than Q take it once per run of `size` columns (rows): the heads.
// Weights that read the rotated values: W diag(gain) Q. weights: [rows, cols], gain: [cols] of the norm
// before, or empty. The embedding table counts as such (without gain), the head too (with the last norm's
// gain).
void rotate_input_side(const GlobalRotation& rotation, float* weights, size_t rows, size_t cols,
                       std::span<const float> gain, ThreadPool& pool);
// Weights that write them: Q^T W. A bias is a matrix of one column.
void rotate_output_side(const GlobalRotation& rotation, float* weights, size_t rows, size_t cols,
                        ThreadPool& pool);

// What a model must be like for its residual stream to be rotated by changing weights.
struct ResidualStream {
    bool rms_norm = true;           // norms only divide by the root mean square and multiply with a gain
    bool post_norms = false;        // a gain between a linear and the residual stream
    bool output_biases = false;     // o or down have a bias that is not rotated with them
    bool head_is_embedding = false; // one tensor for both; the gain of the last norm goes into the head only
};

// An error that says why it cannot be rotated.
Result<void> check_rotatable(const ResidualStream& stream);

} // namespace fp4
