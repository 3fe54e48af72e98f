#include <cmath>

#include "libfp4/cpu/reference/reference_ops.h"

namespace fp4::reference {

void rms_norm(const float* x, const HostNorm& norm, float* out) {
    double squares = 0.0;
    for (size_t j = 0; j < norm.cols; ++j) squares += double(x[j]) * x[j];
    double inverse = 1.0 / std::sqrt(squares / static_cast<double>(norm.cols) + norm.epsilon);
    for (size_t j = 0; j < norm.cols; ++j) out[j] = static_cast<float>(x[j] * inverse * norm.weight[j]);
}

} // namespace fp4::reference
