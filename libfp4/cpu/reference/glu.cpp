#include <cmath>

#include "libfp4/cpu/reference/reference_ops.h"

namespace fp4::reference {

float glu(GluKind kind, float gate, float up) {
    double x = gate;
    double active;
    if (kind == GluKind::silu) {
        active = x / (1.0 + std::exp(-x));
    } else { // Hendrycks and Gimpel, arXiv 1606.08415, section 2: the tanh form
        constexpr double sqrt_2_over_pi = 0.79788456080286535588;
        active = 0.5 * x * (1.0 + std::tanh(sqrt_2_over_pi * (x + 0.044715 * x * x * x)));
    }
    return static_cast<float>(active * up);
}

} // namespace fp4::reference
