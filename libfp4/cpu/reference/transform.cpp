#include <bit>
#include <cmath>

#include "libfp4/cpu/reference/reference_ops.h"

namespace fp4::reference {
namespace {

// Sylvester's order: H[i][j] = (-1)^popcount(i & j) / sqrt(block), symmetric and orthogonal.
double hadamard(size_t i, size_t j, size_t block) {
    double magnitude = 1.0 / std::sqrt(static_cast<double>(block));
    return std::popcount(i & j) % 2 == 0 ? magnitude : -magnitude;
}

} // namespace

void transform_row(const HostTransform& loaded, std::span<float> values) {
    const InputTransform& transform = loaded.definition();
    for (size_t j = 0; j < transform.channel_scale.size(); ++j) values[j] *= transform.channel_scale[j];
    if (transform.kind == InputTransform::Kind::identity) return;
    size_t block = transform.block;
    bool by_name = transform.kind == InputTransform::Kind::hadamard;
    std::vector<double> product(block);
    for (size_t start = 0; start < values.size(); start += block) {
        const float* matrix = transform.matrix.data() + start / block * loaded.matrix_stride();
        for (size_t j = 0; j < block; ++j) {
            double sum = 0.0;
            for (size_t i = 0; i < block; ++i) {
                double m = by_name ? hadamard(i, j, block) : double(matrix[i * block + j]);
                sum += values[start + i] * m;
            }
            product[j] = sum;
        }
        for (size_t j = 0; j < block; ++j) values[start + j] = static_cast<float>(product[j]);
    }
}

} // namespace fp4::reference
