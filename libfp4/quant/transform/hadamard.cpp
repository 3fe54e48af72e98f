#include "libfp4/quant/transform/hadamard.h"

#include <cmath>

namespace fp4 {

void hadamard_transform(double* x, size_t n, size_t stride) {
    for (size_t half = 1; half < n; half *= 2) {
        for (size_t start = 0; start < n; start += 2 * half) {
            for (size_t i = start; i < start + half; ++i) {
                double& low = x[i * stride];
                double& high = x[(i + half) * stride];
                double sum = low + high;
                high = low - high;
                low = sum;
            }
        }
    }
    double normalize = 1.0 / std::sqrt(static_cast<double>(n));
    for (size_t i = 0; i < n; ++i) x[i * stride] *= normalize;
}

} // namespace fp4
