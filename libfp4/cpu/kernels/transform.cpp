// Block transforms of linear inputs: the Walsh-Hadamard butterfly and a general block matrix.
#include "libfp4/cpu/kernels/kernel_functions.h"

namespace fp4::FP4_CPU_LEVEL {
namespace {

// The stages inside one vector: partners 1, 2, 4 (and 8) lanes apart.
F inner_stages(F x) {
    x = butterfly<1>(x);
    x = butterfly<2>(x);
    x = butterfly<4>(x);
    if constexpr (width == 16) x = butterfly<8>(x);
    return x;
}

// Fast Walsh-Hadamard transform of `vectors` registers, in Sylvester's order, times 1 / sqrt(vectors *
// width).
template <size_t vectors>
void hadamard_block(float* x) {
    F v[vectors];
    for (size_t i = 0; i < vectors; ++i) v[i] = inner_stages(load(x + i * width));
    for (size_t h = 1; h < vectors; h *= 2) {
        for (size_t i = 0; i < vectors; ++i) {
            if (i & h) continue;
            F a = v[i], b = v[i + h];
            v[i] = a + b;
            v[i + h] = a - b;
        }
    }
    F norm = set(1.0f / __builtin_sqrtf(static_cast<float>(vectors * width)));
    for (size_t i = 0; i < vectors; ++i) store(x + i * width, v[i] * norm);
}

// `vectors` output vectors of one block: sum over i of x[i] * matrix row i.
template <size_t vectors>
void matrix_columns(const float* matrix, const float* x, size_t block, float* out) {
    F sums[vectors];
    for (size_t v = 0; v < vectors; ++v) sums[v] = zero();
    for (size_t i = 0; i < block; ++i) {
        F xi = set(x[i]);
        for (size_t v = 0; v < vectors; ++v) sums[v] = fma(xi, load(matrix + i * block + v * width), sums[v]);
    }
    for (size_t v = 0; v < vectors; ++v) store(out + v * width, sums[v]);
}

} // namespace

void hadamard(float* x, size_t cols, size_t block) {
    for (size_t start = 0; start < cols; start += block) {
        switch (block / width) {
            case 1:
                hadamard_block<1>(x + start);
                break;
            case 2:
                hadamard_block<2>(x + start);
                break;
            case 4:
                hadamard_block<4>(x + start);
                break;
            case 8:
                hadamard_block<8>(x + start);
                break;
            default:
                hadamard_block<16>(x + start);
                break;
        }
    }
}

void block_matrix(const float* matrix, size_t stride, float* x, size_t cols, size_t block) {
    float out[128];
    for (size_t start = 0; start < cols; start += block, matrix += stride) {
        size_t j = 0;
        for (; j + 4 * width <= block; j += 4 * width)
            matrix_columns<4>(matrix + j, x + start, block, out + j);
        for (; j < block; j += width) matrix_columns<1>(matrix + j, x + start, block, out + j);
        __builtin_memcpy(x + start, out, block * 4);
    }
}

} // namespace fp4::FP4_CPU_LEVEL
