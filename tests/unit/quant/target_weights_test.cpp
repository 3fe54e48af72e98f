// The fit against its own definition: the gradient of the objective vanishes.
#include "libfp4/quant/target_weights.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace fp4;

namespace {

constexpr size_t tokens = 300, cols = 24, rows = 5;

struct Sample {
    std::vector<double> u, y; // [tokens, cols]
    SiteTargets targets;
    std::vector<float> original, transformed; // [rows, cols]
};

// u: y with noise, as rounding makes it.
Sample make_sample(uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    Sample sample;
    sample.targets.gram.resize(cols * cols);
    sample.targets.cross.resize(cols * cols);
    for (size_t i = 0; i < tokens * cols; ++i) {
        sample.y.push_back(normal(random) + (i % cols > 0 ? 0.7 * sample.y[i - 1] : 0.0));
        sample.u.push_back(sample.y[i] + 0.2 * normal(random));
    }
    for (size_t t = 0; t < tokens; ++t) {
        for (size_t i = 0; i < cols; ++i) {
            for (size_t j = 0; j < cols; ++j) {
                sample.targets.gram[i * cols + j] += sample.u[t * cols + i] * sample.u[t * cols + j] / tokens;
                sample.targets.cross[i * cols + j] +=
                    sample.u[t * cols + i] * sample.y[t * cols + j] / tokens;
            }
        }
    }
    for (size_t i = 0; i < rows * cols; ++i) sample.original.push_back(static_cast<float>(normal(random)));
    sample.transformed = sample.original;
    return sample;
}

double mean_error(const Sample& sample, const std::vector<float>& weights) {
    double sum = 0;
    for (size_t t = 0; t < tokens; ++t) {
        for (size_t r = 0; r < rows; ++r) {
            double difference = 0;
            for (size_t j = 0; j < cols; ++j) {
                difference += sample.u[t * cols + j] * weights[r * cols + j] -
                              sample.y[t * cols + j] * sample.original[r * cols + j];
            }
            sum += difference * difference / tokens;
        }
    }
    return sum;
}

double mean_diagonal(const std::vector<double>& gram) {
    double sum = 0;
    for (size_t i = 0; i < cols; ++i) sum += gram[i * cols + i];
    return sum / cols;
}

} // namespace

TEST_CASE("the fit is the minimum of the damped least-squares problem") {
    Sample sample = make_sample(1);
    const double damping = 0.01, ridge = damping * mean_diagonal(sample.targets.gram);
    auto fit = TargetFit::create(sample.targets, cols, damping);
    REQUIRE(fit.ok());
    std::vector<float> fitted = sample.transformed;
    (*fit)->move(sample.original, 1.0, rows, fitted);
    for (size_t r = 0; r < rows; ++r) {
        for (size_t i = 0; i < cols; ++i) {
            double gradient = ridge * (fitted[r * cols + i] - sample.transformed[r * cols + i]);
            for (size_t j = 0; j < cols; ++j) {
                gradient += sample.targets.gram[i * cols + j] * fitted[r * cols + j] -
                            sample.targets.cross[i * cols + j] * sample.original[r * cols + j];
            }
            CHECK(std::abs(gradient) < 1e-5);
        }
    }
    CHECK(mean_error(sample, fitted) < 0.9 * mean_error(sample, sample.transformed));
    std::vector<float> half = sample.transformed;
    (*fit)->move(sample.original, 0.5, rows, half);
    for (size_t i = 0; i < half.size(); ++i)
        CHECK(half[i] == doctest::Approx((fitted[i] + sample.transformed[i]) / 2).epsilon(1e-5));
}

TEST_CASE("exact inputs leave the weights alone") {
    Sample sample = make_sample(2);
    sample.targets.cross = sample.targets.gram;
    auto fit = TargetFit::create(sample.targets, cols, 0.01);
    REQUIRE(fit.ok());
    std::vector<float> fitted = sample.transformed;
    (*fit)->move(sample.original, 1.0, rows, fitted);
    for (size_t i = 0; i < fitted.size(); ++i)
        CHECK(fitted[i] == doctest::Approx(sample.original[i]).epsilon(1e-5));
}

TEST_CASE("inputs that are always zero leave the weights alone, NaN is an error") {
    SiteTargets targets{std::vector<double>(cols * cols), std::vector<double>(cols * cols)};
    auto fit = TargetFit::create(targets, cols, 0.01);
    REQUIRE(fit.ok());
    const std::vector<float> original(rows * cols, 0.5f);
    std::vector<float> fitted = original;
    (*fit)->move(original, 1.0, rows, fitted);
    CHECK(fitted == original);
    targets.gram[0] = std::numeric_limits<double>::quiet_NaN();
    CHECK(!TargetFit::create(targets, cols, 0.01).ok());
}
