// SmoothQuant's and AWQ's channel scales.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "libfp4/quant/transform/channel_scales.h"
#include "libfp4/quant/transform/layer_error.h"
#include "tests/unit/quant/transform_samples.h"

using namespace fp4;
using namespace fp4::test;

namespace {

constexpr size_t cols = 64;

// Inputs with one large channel, so that scaling pays.
SiteStatistics skewed_statistics(size_t tokens) {
    SiteStatistics out;
    out.cols = cols;
    out.tokens = tokens;
    std::vector<double> x = normal_values(tokens * cols, 21);
    for (size_t t = 0; t < tokens; ++t) {
        x[t * cols + 9] *= 30.0;
        x[t * cols + 13] = 0.0; // a dead channel
    }
    out.gram = product(transposed(x, tokens, cols), x, cols, tokens, cols);
    for (double& value : out.gram) value /= static_cast<double>(tokens);
    out.mean_abs.resize(cols);
    for (size_t i = 0; i < x.size(); ++i)
        out.mean_abs[i % cols] += std::abs(x[i]) / static_cast<double>(tokens);
    return out;
}

// One step for the whole row, eight levels.
Result<void> round_rows(size_t, float* values, size_t rows) {
    for (size_t row = 0; row < rows; ++row) {
        float* w = values + row * cols;
        float amax = 0.0f;
        for (size_t j = 0; j < cols; ++j) amax = std::max(amax, std::abs(w[j]));
        for (size_t j = 0; j < cols; ++j) w[j] = std::nearbyint(w[j] / amax * 4.0f) * amax / 4.0f;
    }
    return {};
}

} // namespace

TEST_CASE("smoothing has the published values") {
    std::vector<float> inputs{16.0f, 4.0f, 0.0f, 1.0f, 1.0f};
    std::vector<float> weights{4.0f, 1.0f, 1.0f, 0.0f, 1e6f};
    auto smooth = smooth_scale(inputs, weights, {}).value();
    // s = sqrt(x / w)
    CHECK(smooth[0] == doctest::Approx(1.0 / 2.0));
    CHECK(smooth[1] == doctest::Approx(1.0 / 2.0));
    CHECK(smooth[2] == doctest::Approx(1e5));             // s >= 1e-5
    CHECK(smooth[3] == doctest::Approx(std::sqrt(1e-5))); // |w| >= 1e-5
    CHECK(smooth[4] == doctest::Approx(1000.0));
    auto duquant = smooth_scale(inputs, weights, duquant_smoothing).value();
    CHECK(duquant[0] == doctest::Approx(1.0 / (std::pow(16.0, 0.6) / std::pow(4.0, 0.4))));
    CHECK(duquant[2] == doctest::Approx(100.0)); // s >= 0.01
    CHECK(duquant[4] == doctest::Approx(100.0));

    SiteTransform transform{.cols = inputs.size(), .channel_scale = duquant};
    CHECK(output_difference(transform, 1) < 1e-12);
    CHECK(!transform.identity());
    CHECK(input_transform(transform).channel_scale.size() == inputs.size());
}

TEST_CASE("smoothing refuses values that are not finite") {
    std::vector<float> good{1.0f, 1.0f};
    for (float bad : {NAN, INFINITY}) {
        auto refused = smooth_scale(std::vector<float>{1.0f, bad}, good, {});
        REQUIRE(!refused.ok());
        CHECK(refused.error().message.find("channel 1") != std::string::npos);
    }
    CHECK(!smooth_scale(good, std::vector<float>{1.0f}, {}).ok());
}

TEST_CASE("column maxima grow over several weights") {
    std::vector<float> first{1.0f, -2.0f, 0.5f, 1.5f}, second{-3.0f, 0.0f};
    std::vector<float> amax(2);
    raise_column_amax({first.data(), 2}, amax);
    CHECK(amax == std::vector<float>{1.0f, 2.0f});
    raise_column_amax({second.data(), 1}, amax);
    CHECK(amax == std::vector<float>{3.0f, 2.0f});
}

TEST_CASE("the layer error is the error of the outputs") {
    constexpr size_t rows = 37, tokens = 50; // no multiple of the tile
    std::vector<double> x = normal_values(tokens * cols, 31);
    std::vector<float> difference = normal_floats(rows * cols, 32);
    std::vector<double> gram = product(transposed(x, tokens, cols), x, cols, tokens, cols);
    std::vector<double> d(difference.begin(), difference.end());
    double expected = 0.0;
    for (double y : product(x, transposed(d, rows, cols), tokens, cols, rows)) expected += y * y;
    CHECK(layer_error(difference.data(), rows, cols, gram, test_pool()) ==
          doctest::Approx(expected).epsilon(1e-12));
    auto alone = ThreadPool::create(1, ThreadPriority::normal).value();
    CHECK(layer_error(difference.data(), rows, cols, gram, *alone) ==
          layer_error(difference.data(), rows, cols, gram, test_pool()));
}

TEST_CASE("awq finds the exponent with the least error") {
    SiteStatistics statistics = skewed_statistics(200);
    std::vector<float> first = normal_floats(24 * cols, 22), second = normal_floats(8 * cols, 23);
    std::vector<SiteWeight> weights{{first.data(), 24}, {second.data(), 8}};
    AwqScale best = awq_scale(statistics, weights, round_rows, test_pool()).value();
    CHECK(best.exponent > 0.0);
    CHECK(best.error < 0.7 * best.plain_error);
    REQUIRE(best.channel_scale.size() == cols);

    // By hand: every exponent, in the transformed basis.
    double least = INFINITY, least_at = -1.0, plain = 0.0;
    for (int step = 0; step < 20; ++step) {
        double exponent = step / 20.0;
        std::vector<double> s(cols);
        for (size_t j = 0; j < cols; ++j) s[j] = std::max(std::pow(statistics.mean_abs[j], exponent), 1e-4);
        double normalize =
            std::sqrt(*std::max_element(s.begin(), s.end()) * *std::min_element(s.begin(), s.end()));
        double total = 0.0;
        for (const SiteWeight& weight : weights) {
            std::vector<float> scaled(weight.rows * cols);
            for (size_t i = 0; i < scaled.size(); ++i) {
                scaled[i] = static_cast<float>(weight.values[i] * s[i % cols] / normalize);
            }
            std::vector<float> rounded = scaled;
            REQUIRE(round_rows(0, rounded.data(), weight.rows).ok());
            std::vector<float> difference(scaled.size());
            for (size_t i = 0; i < scaled.size(); ++i) {
                difference[i] = static_cast<float>(rounded[i] * normalize / s[i % cols]) - weight.values[i];
            }
            total += layer_error(difference.data(), weight.rows, cols, statistics.gram, test_pool());
        }
        if (step == 0) plain = total;
        if (total < least) least = total, least_at = exponent;
    }
    CHECK(best.exponent == doctest::Approx(least_at));
    CHECK(best.error == doctest::Approx(least).epsilon(1e-4));
    CHECK(best.plain_error == doctest::Approx(plain).epsilon(1e-4));
    SiteTransform transform{.cols = cols, .channel_scale = best.channel_scale};
    CHECK(output_difference(transform, 24) < 1e-12);
}

TEST_CASE("awq without rounding error keeps the plain inputs, and passes errors on") {
    SiteStatistics statistics = skewed_statistics(50);
    std::vector<float> weight = normal_floats(4 * cols, 25);
    std::vector<SiteWeight> weights{{weight.data(), 4}};
    auto exact = [](size_t, float*, size_t) -> Result<void> { return {}; };
    CHECK(awq_scale(statistics, weights, exact, test_pool()).value().plain_error == 0.0);
    CHECK(awq_scale(statistics, weights, exact, test_pool()).value().channel_scale.empty());
    auto failing = [](size_t, float*, size_t) -> Result<void> { return error(Status::cancelled, "stopped"); };
    CHECK(awq_scale(statistics, weights, failing, test_pool()).error().status == Status::cancelled);
    statistics.mean_abs[3] = NAN;
    CHECK(!awq_scale(statistics, weights, exact, test_pool()).ok());
    statistics.mean_abs.clear();
    CHECK(!awq_scale(statistics, weights, exact, test_pool()).ok());
}
