// Values worked out by hand: logits are logarithms of small whole numbers, so probabilities are simple
// fractions.
#include "libfp4/quant/distribution.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

using namespace fp4;
using doctest::Approx;

namespace {

// Logits of the probabilities weights / sum, moved by a constant that must not matter.
std::vector<float> logits(const std::vector<double>& weights, double offset = 0) {
    std::vector<float> result;
    for (double weight : weights) result.push_back(static_cast<float>(std::log(weight) + offset));
    return result;
}

} // namespace

TEST_CASE("log of a sum of exponentials") {
    CHECK(log_sum_exp(logits({1, 2, 5})) == Approx(std::log(8.0)));
    CHECK(log_sum_exp(std::vector<float>{0, 0, 0, 0}) == Approx(std::log(4.0)));
    CHECK(log_sum_exp(std::vector<float>{3.5f}) == 3.5);
    // Far outside what exp() can hold.
    CHECK(log_sum_exp(std::vector<float>{1000, 1000}) == Approx(1000 + std::log(2.0)));
    CHECK(log_sum_exp(std::vector<float>{-1000, -1000}) == Approx(-1000 + std::log(2.0)));
    constexpr float never = -std::numeric_limits<float>::infinity();
    CHECK(log_sum_exp(std::vector<float>{never, 2, never}) == 2.0);
}

TEST_CASE("the largest logit, the first of equals") {
    CHECK(argmax(std::vector<float>{1, 3, 2}) == 1);
    CHECK(argmax(std::vector<float>{2, 1, 2}) == 0);
    CHECK(argmax(std::vector<float>{-5}) == 0);
}

TEST_CASE("Kullback-Leibler divergence of small distributions") {
    // P = (1/2, 1/2), Q = (1/4, 3/4): 1/2 ln 2 + 1/2 ln 2/3 = ln 2 - 1/2 ln 3.
    CHECK(kl_divergence(logits({1, 1}), logits({1, 3})) ==
          Approx(std::log(2.0) - 0.5 * std::log(3.0)).epsilon(1e-6));
    // The other way round: 1/4 ln 1/2 + 3/4 ln 3/2 = 3/4 ln 3 - ln 2.
    CHECK(kl_divergence(logits({1, 3}), logits({1, 1})) ==
          Approx(0.75 * std::log(3.0) - std::log(2.0)).epsilon(1e-6));
    // P = (1/8, 3/8, 4/8), Q uniform: ln 3 - H(P), H(P) = 2.0794415 - 3/8 ln 3 - 1/2 ln 4 = 3 ln 2 - 3/8 ln 3
    // - ln 2.
    CHECK(kl_divergence(logits({1, 3, 4}), logits({1, 1, 1})) ==
          Approx(std::log(3.0) - 2 * std::log(2.0) + 0.375 * std::log(3.0)).epsilon(1e-6));
    // Constants added to all logits of a row mean nothing.
    CHECK(kl_divergence(logits({1, 1}, 40), logits({1, 3}, -7)) ==
          Approx(std::log(2.0) - 0.5 * std::log(3.0)).epsilon(1e-5));
    CHECK(kl_divergence(logits({1, 3, 4}), logits({1, 3, 4})) == 0.0);
}

TEST_CASE("tokens one of the models rules out") {
    constexpr float never = -std::numeric_limits<float>::infinity();
    // 0 ln 0 is 0: P = (1, 0), Q = (1/2, 1/2).
    CHECK(kl_divergence(std::vector<float>{0, never}, std::vector<float>{0, 0}) == Approx(std::log(2.0)));
    CHECK(kl_divergence(std::vector<float>{0, -2000}, std::vector<float>{0, 0}) == Approx(std::log(2.0)));
    CHECK(std::isinf(kl_divergence(std::vector<float>{0, 0}, std::vector<float>{0, never})));
}
