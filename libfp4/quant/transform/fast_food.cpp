#include "libfp4/quant/transform/fast_food.h"

#include <cmath>

#include "libfp4/quant/transform/hadamard.h"

namespace fp4 {
namespace {

// Row `row` of left Hn right P Hn signs, with Hn the normalized Hadamard matrix and (P x)_i = x[order[i]].
void fast_food_row(size_t row, double left, const std::vector<double>& right,
                   const std::vector<size_t>& order, const std::vector<double>& signs, double* out) {
    size_t k = order.size();
    std::vector<double> mixed(k);
    mixed[row] = left;
    hadamard_transform(mixed.data(), k);
    for (size_t i = 0; i < k; ++i) out[order[i]] = mixed[i] * right[i]; // a row times P
    hadamard_transform(out, k);
    for (size_t i = 0; i < k; ++i) out[i] *= signs[i];
}

} // namespace

FastFood draw_fast_food(size_t k, RandomDraws& draws) {
    std::vector<double> signs(k), gauss(k), inverse_gauss(k), scale(k);
    for (double& sign : signs) sign = draws.sign();
    std::vector<size_t> order = draws.permutation(k);
    for (size_t i = 0; i < k; ++i) {
        do {
            gauss[i] = draws.normal();
        } while (gauss[i] == 0.0);
        inverse_gauss[i] = 1.0 / gauss[i];
    }
    for (size_t i = 0; i < k; ++i) {
        double squares = 0.0;
        for (size_t n = 0; n < k; ++n) {
            double draw = draws.normal();
            squares += draw * draw;
        }
        scale[i] = std::sqrt(squares) / std::abs(gauss[i]);
    }
    // H H = k Hn Hn, and 1 / (sigma sqrt k) = sqrt(2 / k): together sqrt(2 k).
    // Every factor but the diagonal ones is orthogonal, so M^-T has the same factors with inverted diagonals.
    double factor = std::sqrt(2.0 * static_cast<double>(k));
    FastFood out{std::vector<double>(k * k), std::vector<double>(k * k)};
    for (size_t row = 0; row < k; ++row) {
        fast_food_row(row, factor * scale[row], gauss, order, signs, out.matrix.data() + row * k);
        fast_food_row(row, 1.0 / (factor * scale[row]), inverse_gauss, order, signs,
                      out.inverse_transpose.data() + row * k);
    }
    return out;
}

} // namespace fp4
