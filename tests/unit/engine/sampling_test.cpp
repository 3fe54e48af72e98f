#include "libfp4/engine/sampling.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <tuple>

using namespace fp4;

namespace {

int32_t draw(const std::vector<float>& logits, const SamplingConfig& config, uint64_t counter = 0,
             std::vector<int32_t> history = {}, std::vector<LogitBias> bias = {}) {
    return sample_token(logits, {&config, history, bias, counter});
}

// How often each token comes in n draws.
std::map<int32_t, double> frequencies(const std::vector<float>& logits, const SamplingConfig& config,
                                      int n = 20000) {
    std::map<int32_t, double> shares;
    for (int i = 0; i < n; ++i) shares[draw(logits, config, static_cast<uint64_t>(i))] += 1.0 / n;
    return shares;
}

constexpr float infinity = std::numeric_limits<float>::infinity();

} // namespace

TEST_CASE("greedy takes the largest logit, the lower id on a tie, and never NaN") {
    SamplingConfig greedy;
    CHECK(draw({1, 3, 2}, greedy) == 1);
    CHECK(draw({3, 1, 3}, greedy) == 0);
    CHECK(draw({NAN, 1, 2}, greedy) == 2);
    CHECK(draw({NAN, -infinity}, greedy) == -1);
    CHECK(draw({1, infinity, 2}, greedy) == 1);
}

TEST_CASE("draws follow softmax of logits over temperature") {
    std::vector<float> logits{0.0f, 1.0f, 2.0f, -1.0f};
    for (float temperature : {0.5f, 1.0f, 2.0f}) {
        SamplingConfig config;
        config.temperature = temperature;
        auto shares = frequencies(logits, config);
        double total = 0;
        for (float logit : logits) total += std::exp(logit / temperature);
        for (size_t i = 0; i < logits.size(); ++i) {
            CHECK(shares[static_cast<int32_t>(i)] ==
                  doctest::Approx(std::exp(logits[i] / temperature) / total).epsilon(0.06));
        }
    }
}

TEST_CASE("top-k, top-p and min-p keep what they should") {
    std::vector<float> logits{std::log(0.5f), std::log(0.3f), std::log(0.15f), std::log(0.05f)};
    SamplingConfig config;
    config.temperature = 1.0f;
    SUBCASE("top-k") {
        config.top_k = 2;
        auto shares = frequencies(logits, config);
        CHECK(shares.size() == 2);
        CHECK(shares[0] == doctest::Approx(0.625).epsilon(0.03));
    }
    SUBCASE("top-p keeps the smallest set that reaches p") {
        config.top_p = 0.6f;
        CHECK(frequencies(logits, config).size() == 2);
        config.top_p = 0.0f;
        CHECK(frequencies(logits, config, 100).size() == 1);
    }
    SUBCASE("min-p is relative to the most likely token") {
        config.min_p = 0.2f; // 0.1 absolute
        CHECK(frequencies(logits, config).size() == 3);
        config.min_p = 1.0f;
        CHECK(frequencies(logits, config, 100).size() == 1);
    }
    SUBCASE("a top-k beyond the vocabulary is all of it") {
        config.top_k = 1000;
        CHECK(frequencies(logits, config).size() == 4);
    }
}

TEST_CASE("a large vocabulary draws the token that sorting everything would") {
    std::mt19937 engine(3);
    std::normal_distribution<float> normal(0.0f, 3.0f);
    std::vector<float> logits(5001);
    for (float& logit : logits) logit = std::round(normal(engine) * 8) / 8; // with ties
    logits[17] = NAN;
    std::vector<int32_t> order;
    for (size_t i = 0; i < logits.size(); ++i)
        if (i != 17) order.push_back(static_cast<int32_t>(i));
    auto at = [&](int32_t token) { return logits[static_cast<size_t>(token)]; };
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return at(a) > at(b); });
    CHECK(draw(logits, {}) == order.front());
    for (float temperature : {0.3f, 1.0f, 5.0f}) {
        for (auto [top_k, top_p, min_p] : {std::tuple{0, 1.0f, 0.0f},
                                           {40, 1.0f, 0.0f},
                                           {0, 0.9f, 0.0f},
                                           {0, 1.0f, 0.02f},
                                           {100, 0.95f, 0.01f}}) {
            SamplingConfig config{.temperature = temperature, .top_k = top_k, .top_p = top_p, .min_p = min_p};
            std::vector<double> weights;
            size_t keep = top_k > 0 ? static_cast<size_t>(top_k) : order.size();
            for (size_t i = 0; i < keep; ++i)
                weights.push_back(std::exp(double(at(order[i]) - at(order[0])) / temperature));
            double total = 0, kept = 0;
            for (double weight : weights) total += weight;
            size_t count = 0;
            for (; count < keep && (count == 0 || (kept < total * top_p && weights[count] >= min_p)); ++count)
                kept += weights[count];
            for (uint64_t counter = 0; counter < 200; ++counter) {
                double target = uniform_draw(0, counter) * kept;
                size_t i = 0;
                while (i + 1 < count && target >= weights[i]) target -= weights[i++];
                // 2^-24 of the weight may be missing, which moves a draw at the edge to the next token.
                int32_t token = draw(logits, config, counter);
                CHECK((token == order[i] || token == order[std::max<size_t>(i, 1) - 1]));
            }
        }
    }
}

TEST_CASE("penalties look at the last tokens only") {
    SamplingConfig config;
    config.repetition_penalty = 2.0f;
    CHECK(draw({2.0f, 1.5f}, config, 0, {0}) == 1);
    CHECK(draw({-1.0f, -1.5f}, config, 0, {0}) == 1); // negative logits are multiplied
    config.penalty_last_n = 1;
    CHECK(draw({2.0f, 1.5f}, config, 0, {0, 1}) == 0);
    config = {};
    config.frequency_penalty = 0.4f;
    CHECK(draw({2.0f, 1.5f}, config, 0, {0}) == 0);
    CHECK(draw({2.0f, 1.5f}, config, 0, {0, 0}) == 1);
    config = {};
    config.presence_penalty = 0.4f;
    CHECK(draw({2.0f, 1.5f}, config, 0, {0, 0, 0}) == 0);
    CHECK(draw({2.0f, 1.5f}, config, 0, {-5, 99}) == 0); // ids outside the vocabulary do no harm
}

TEST_CASE("logit bias adds, forbids, and ignores ids outside the vocabulary") {
    SamplingConfig config;
    CHECK(draw({1, 2, 3}, config, 0, {}, {{0, 5.0f}}) == 0);
    CHECK(draw({1, 2, 3}, config, 0, {}, {{2, -infinity}}) == 1);
    CHECK(draw({1, 2, 3}, config, 0, {}, {{-1, 5.0f}, {3, 5.0f}}) == 2);
    config.temperature = 1.0f;
    CHECK(draw({1, 2, 3}, config, 0, {}, {{0, infinity}}) == 0);
}

TEST_CASE("the same seed and counter repeat the draw, others vary") {
    std::vector<float> logits(100, 0.0f);
    SamplingConfig config;
    config.temperature = 1.0f;
    config.seed = 42;
    std::map<int32_t, int> seen;
    for (uint64_t counter = 0; counter < 200; ++counter) {
        CHECK(draw(logits, config, counter) == draw(logits, config, counter));
        ++seen[draw(logits, config, counter)];
    }
    CHECK(seen.size() > 60);
    double mean = 0;
    for (uint64_t i = 0; i < 10000; ++i) {
        float u = uniform_draw(1, i);
        REQUIRE(u >= 0.0f);
        REQUIRE(u < 1.0f);
        mean += u / 10000;
    }
    CHECK(mean == doctest::Approx(0.5).epsilon(0.02));
}
