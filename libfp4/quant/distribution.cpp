#include "libfp4/quant/distribution.h"

#include <algorithm>
#include <cmath>

namespace fp4 {

double log_sum_exp(std::span<const float> logits) {
    double top = *std::ranges::max_element(logits);
    double sum = 0;
    for (float logit : logits) sum += std::exp(logit - top);
    return top + std::log(sum);
}

size_t argmax(std::span<const float> logits) {
    return static_cast<size_t>(std::ranges::max_element(logits) - logits.begin());
}

double kl_divergence(std::span<const float> base, std::span<const float> other) {
    const double base_sum = log_sum_exp(base), other_sum = log_sum_exp(other);
    double divergence = 0;
    for (size_t i = 0; i < base.size(); ++i) {
        double log_p = base[i] - base_sum;
        double p = std::exp(log_p);
        if (p > 0) divergence += p * (log_p - (other[i] - other_sum));
    }
    return divergence;
}

} // namespace fp4
