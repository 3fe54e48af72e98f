#include "libfp4/quant/transform/random_draws.h"

#include <cmath>
#include <numbers>
#include <numeric>

namespace fp4 {

// Box and Muller (1958), "A note on the generation of random normal deviates".
double RandomDraws::normal() {
    double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

// Fisher-Yates.
std::vector<size_t> RandomDraws::permutation(size_t n) {
    std::vector<size_t> order(n);
    std::iota(order.begin(), order.end(), size_t{0});
    for (size_t i = n; i > 1; --i) std::swap(order[i - 1], order[engine_() % i]);
    return order;
}

} // namespace fp4
