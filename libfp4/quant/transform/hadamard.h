// The normalized Walsh-Hadamard transform in double precision.
#pragma once

#include <cstddef>

namespace fp4 {

// The n values x[0], x[stride], ... times Sylvester's H_n / sqrt(n), H[i][j] = (-1)^popcount(i & j):
// symmetric and its own inverse. n is a power of two.
void hadamard_transform(double* x, size_t n, size_t stride = 1);

} // namespace fp4
