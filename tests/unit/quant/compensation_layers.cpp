#include "tests/unit/quant/compensation_layers.h"

#include <cmath>
#include <random>

namespace fp4::test {

std::vector<float> random_weights(size_t rows, size_t cols, uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal(0.0f, 0.02f);
    std::vector<float> weights(rows * cols);
    for (size_t i = 0; i < weights.size(); ++i)
        weights[i] = normal(random) * (i % cols % 11 == 3 ? 4.0f : 1.0f);
    return weights;
}

std::vector<double> random_gram(size_t cols, size_t tokens, double rho, uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    std::vector<double> size(cols), x(cols), gram(cols * cols);
    for (double& s : size) s = std::exp(0.7 * normal(random));
    for (size_t t = 0; t < tokens; ++t) {
        double state = normal(random);
        for (size_t j = 0; j < cols; ++j) {
            state = rho * state + std::sqrt(1 - rho * rho) * normal(random);
            x[j] = state * size[j];
        }
        for (size_t i = 0; i < cols; ++i)
            for (size_t j = 0; j < cols; ++j) gram[i * cols + j] += x[i] * x[j] / static_cast<double>(tokens);
    }
    return gram;
}

std::vector<double> identity_gram(size_t cols) {
    std::vector<double> gram(cols * cols);
    for (size_t i = 0; i < cols; ++i) gram[i * cols + i] = 1;
    return gram;
}

double error_of(const std::vector<float>& a, const std::vector<float>& b, const std::vector<double>& gram,
                size_t cols) {
    double sum = 0;
    for (size_t row = 0; row < a.size(); row += cols)
        for (size_t i = 0; i < cols; ++i)
            for (size_t j = 0; j < cols; ++j)
                sum += (double(a[row + i]) - b[row + i]) * gram[i * cols + j] *
                       (double(a[row + j]) - b[row + j]);
    return sum;
}

} // namespace fp4::test
