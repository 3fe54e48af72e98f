#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "libfp4/quant/compensation/compensate.h"
#include "tests/unit/quant/compensation_layers.h"

namespace fp4 {
namespace {

std::unique_ptr<ThreadPool> make_pool(int threads) {
    auto pool = ThreadPool::create(threads, ThreadPriority::normal);
    REQUIRE(pool.ok());
    return std::move(pool).value();
}

CompensatedMatrix run(std::vector<float> weights, size_t rows, const HessianFactor* factor,
                      const std::vector<double>& gram, const CompensationOptions& options, int threads = 1) {
    auto result = compensate(weights, rows, factor, gram, options, *make_pool(threads));
    if (!result.ok()) FAIL(result.error().message);
    return std::move(result).value();
}

HessianFactor factor_of(const std::vector<double>& gram, size_t cols, Order order = Order::natural,
                        double damping = 0.01, size_t group = 32) {
    auto factor = factor_hessian(gram, cols, order, group, damping);
    if (!factor.ok()) FAIL(factor.error().message);
    return std::move(factor).value();
}

// What quantize_row gives.
CompensatedMatrix codec(const std::vector<float>& weights, size_t rows, BlockFormat format, ScaleRule rule) {
    const size_t cols = weights.size() / rows;
    CompensatedMatrix result;
    result.tensor_scale = tensor_scale_for(format, rule, row_amax(weights.data(), weights.size()));
    result.codes.resize(rows * row_code_bytes(format, cols));
    result.scales.resize(rows * row_scales(format, cols));
    for (size_t r = 0; r < rows; ++r)
        quantize_row(format, rule, result.tensor_scale, weights.data() + r * cols, cols,
                     result.codes.data() + r * row_code_bytes(format, cols),
                     result.scales.data() + r * row_scales(format, cols));
    return result;
}

constexpr std::pair<BlockFormat, ScaleRule> formats[] = {
    {BlockFormat::mxfp4, ScaleRule::mse},       {BlockFormat::mxfp4, ScaleRule::prescale34},
    {BlockFormat::nvfp4, ScaleRule::mse},       {BlockFormat::nvfp4, ScaleRule::four_over_six},
    {BlockFormat::mxfp8_e4m3, ScaleRule::even}, {BlockFormat::mxfp8_e5m2, ScaleRule::floor},
    {BlockFormat::mxfp6_e2m3, ScaleRule::mse},  {BlockFormat::mxfp6_e3m2, ScaleRule::ceil},
    {BlockFormat::mxint8, ScaleRule::mse},
};

} // namespace

TEST_CASE("an identity Hessian, and no factor at all, give the codec's bytes in every format") {
    const size_t rows = 35, cols = 77;
    std::vector<float> weights = test::random_weights(rows, cols, 1);
    std::fill_n(weights.begin() + 2 * cols, cols, -0.0f); // a row of zeros
    std::fill_n(weights.begin() + 5 * cols + 32, 32, 0.0f);
    weights[9 * cols] = 1e-30f;
    const std::vector<double> gram = test::identity_gram(cols);
    for (const auto& pair : formats) {
        const BlockFormat format = pair.first; // no structured binding: CAPTURE's lambda cannot hold one
        const ScaleRule rule = pair.second;
        CAPTURE(block_format_name(format));
        const CompensatedMatrix expected = codec(weights, rows, format, rule);
        CompensationOptions options;
        options.format = format;
        options.rule = rule;
        for (ScaleTime time : {ScaleTime::fixed, ScaleTime::in_loop}) {
            options.scale_time = time;
            const HessianFactor factor = factor_of(gram, cols);
            for (const HessianFactor* used : {static_cast<const HessianFactor*>(nullptr), &factor}) {
                const CompensatedMatrix result = run(weights, rows, used, gram, options);
                CHECK(result.codes == expected.codes);
                CHECK(result.scales == expected.scales);
                CHECK(result.tensor_scale == expected.tensor_scale);
            }
        }
        const CompensatedMatrix plain = run(weights, rows, nullptr, {}, options);
        CHECK(plain.codes == expected.codes);
        CHECK(plain.error == doctest::Approx(test::error_of(weights, plain.values, gram, cols)));
    }
}

TEST_CASE("compensation beats rounding and descent beats compensation on correlated inputs") {
    const size_t rows = 48, cols = 192;
    const std::vector<float> weights = test::random_weights(rows, cols, 2);
    const std::vector<double> gram = test::random_gram(cols, 600, 0.9, 5);
    for (const auto& pair : formats)
        for (bool weigh : {false, true}) {
            const BlockFormat format = pair.first;
            const ScaleRule rule = pair.second;
            CAPTURE(block_format_name(format));
            CompensationOptions options;
            options.format = format;
            options.rule = rule;
            options.weigh_by_hessian = weigh;
            const double rounded = run(weights, rows, nullptr, gram, options).error;
            for (Order order : {Order::natural, Order::diagonal, Order::group})
                for (ScaleTime time : {ScaleTime::fixed, ScaleTime::in_loop}) {
                    if (order == Order::diagonal && time == ScaleTime::in_loop) continue;
                    options.scale_time = time;
                    options.refine_sweeps = 0;
                    const HessianFactor factor = factor_of(gram, cols, order, 0.01, block_size(format));
                    const CompensatedMatrix result = run(weights, rows, &factor, gram, options);
                    CHECK(result.error < 0.8 * rounded);
                    options.refine_sweeps = 2;
                    const CompensatedMatrix refined = run(weights, rows, &factor, gram, options);
                    CHECK(refined.error < result.error);
                    CHECK(refined.refined_rows > rows / 2);
                    CHECK(refined.error ==
                          doctest::Approx(test::error_of(weights, refined.values, gram, cols)).epsilon(1e-9));
                }
        }
}

TEST_CASE("no row gets worse by descent, whatever it starts from") {
    for (size_t cols : {1u, 16u, 33u, 130u}) {
        const size_t rows = 3;
        const std::vector<float> weights = test::random_weights(rows, cols, cols);
        const std::vector<double> gram = test::random_gram(cols, cols / 2 + 1, 0.95, cols); // singular
        for (auto [format, rule] : formats) {
            CompensationOptions options;
            options.format = format;
            options.rule = rule;
            const CompensatedMatrix before = run(weights, rows, nullptr, gram, options);
            options.refine_sweeps = 3;
            const CompensatedMatrix after = run(weights, rows, nullptr, gram, options);
            for (size_t r = 0; r < rows; ++r) {
                auto row = [&](const std::vector<float>& m) {
                    return std::vector<float>(m.begin() + static_cast<std::ptrdiff_t>(r * cols),
                                              m.begin() + static_cast<std::ptrdiff_t>((r + 1) * cols));
                };
                CHECK(test::error_of(row(weights), row(after.values), gram, cols) <=
                      test::error_of(row(weights), row(before.values), gram, cols) * (1 + 1e-12));
            }
        }
    }
}

TEST_CASE("the same bytes with one and two threads and with any lazy block") {
    const size_t rows = 101, cols = 200;
    const std::vector<float> weights = test::random_weights(rows, cols, 4);
    const std::vector<double> gram = test::random_gram(cols, 500, 0.9, 6);
    const HessianFactor factor = factor_of(gram, cols, Order::group, 0.01, 16);
    CompensationOptions options;
    options.format = BlockFormat::nvfp4;
    options.scale_time = ScaleTime::in_loop;
    options.method = ScaleMethod::alternating;
    options.weigh_by_hessian = true;
    options.refine_sweeps = 1;
    const CompensatedMatrix one = run(weights, rows, &factor, gram, options, 1);
    const CompensatedMatrix two = run(weights, rows, &factor, gram, options, 2);
    CHECK(one.codes == two.codes);
    CHECK(one.scales == two.scales);
    CHECK(one.values == two.values);
    CHECK(one.error == two.error);
    CHECK(one.tensor_scale == two.tensor_scale);
    // Sums in another order: nearly the same, and always a proper result.
    for (size_t block : {1u, 24u, 1000u}) {
        options.column_block = block;
        CHECK(run(weights, rows, &factor, gram, options).error == doctest::Approx(one.error).epsilon(0.05));
    }
}

TEST_CASE("an order only permutes: columns permuted beforehand in natural order give the same codes") {
    const size_t rows = 8, cols = 96;
    const std::vector<float> weights = test::random_weights(rows, cols, 8);
    const std::vector<double> gram = test::random_gram(cols, 300, 0.9, 8);
    const HessianFactor factor = factor_of(gram, cols, Order::group);
    std::vector<uint32_t> sorted = factor.order;
    std::sort(sorted.begin(), sorted.end());
    for (uint32_t i = 0; i < cols; ++i) REQUIRE(sorted[i] == i);
    CHECK(!std::is_sorted(factor.order.begin(), factor.order.end()));
    std::vector<float> moved(weights.size());
    std::vector<double> moved_gram(gram.size());
    for (size_t j = 0; j < cols; ++j) {
        for (size_t r = 0; r < rows; ++r) moved[r * cols + j] = weights[r * cols + factor.order[j]];
        for (size_t i = 0; i < cols; ++i)
            moved_gram[i * cols + j] = gram[factor.order[i] * cols + factor.order[j]];
    }
    const CompensatedMatrix ordered = run(weights, rows, &factor, gram, {});
    const HessianFactor natural = factor_of(moved_gram, cols);
    const CompensatedMatrix direct = run(moved, rows, &natural, moved_gram, {});
    for (size_t r = 0; r < rows; ++r)
        for (size_t j = 0; j < cols; ++j)
            CHECK(ordered.values[r * cols + factor.order[j]] == direct.values[r * cols + j]);
}

TEST_CASE("singular, dead and empty Hessians are reported and survive") {
    const size_t rows = 6, cols = 64;
    const std::vector<float> weights = test::random_weights(rows, cols, 9);
    const std::vector<double> low_rank = test::random_gram(cols, 10, 0.5, 9);
    const HessianFactor damped = factor_of(low_rank, cols, Order::natural, 0.0);
    CHECK(damped.retries > 0);
    CHECK(damped.damping >= 1e-6);
    CHECK(damped.damping < 1);
    const double rounded = run(weights, rows, nullptr, low_rank, {}).error;
    CHECK(run(weights, rows, &damped, low_rank, {}).error < rounded);
    CHECK(factor_of(low_rank, cols).retries == 0);

    std::vector<double> some_dead = test::random_gram(cols, 200, 0.9, 10);
    for (size_t dead : {0u, 13u, 63u})
        for (size_t j = 0; j < cols; ++j) some_dead[dead * cols + j] = some_dead[j * cols + dead] = 0;
    for (Order order : {Order::natural, Order::diagonal, Order::group}) {
        const HessianFactor factor = factor_of(some_dead, cols, order);
        CHECK(factor.dead_columns == 3);
        const CompensatedMatrix result = run(weights, rows, &factor, some_dead, {});
        for (size_t r = 0; r < rows; ++r)
            for (size_t dead : {0u, 13u, 63u}) CHECK(result.values[r * cols + dead] == 0.0f);
        CHECK(result.values[1] != 0.0f);
    }

    const std::vector<double> nothing(cols * cols);
    const HessianFactor all_dead = factor_of(nothing, cols, Order::diagonal);
    CHECK(all_dead.dead_columns == cols);
    CompensationOptions options;
    options.weigh_by_hessian = true;
    options.refine_sweeps = 1;
    CHECK(run(weights, rows, &all_dead, nothing, options).codes ==
          codec(weights, rows, BlockFormat::mxfp4, ScaleRule::mse).codes);

    std::vector<double> indefinite = test::identity_gram(cols);
    indefinite[1] = indefinite[cols] = 1e9;
    auto refused = factor_hessian(indefinite, cols, Order::natural, 32, 0.01);
    REQUIRE(!refused.ok());
    CHECK(refused.error().message.find("not positive definite") != std::string::npos);
}

TEST_CASE("bad input is refused with its place") {
    const size_t rows = 2, cols = 40;
    std::vector<float> weights = test::random_weights(rows, cols, 11);
    std::vector<double> gram = test::identity_gram(cols);
    const HessianFactor factor = factor_of(gram, cols);
    auto pool = make_pool(1);
    auto message = [&](const CompensationOptions& options, const HessianFactor* used) {
        auto result = compensate(weights, rows, used, gram, options, *pool);
        return result.ok() ? std::string() : result.error().message;
    };
    auto contains = [](const std::string& text, const char* part) {
        INFO(text);
        CHECK(text.find(part) != std::string::npos);
    };
    weights[43] = std::numeric_limits<float>::quiet_NaN();
    contains(message({}, &factor), "weight [1, 3] is NaN");
    weights[43] = std::numeric_limits<float>::infinity();
    contains(message({}, nullptr), "weight [1, 3] is infinite");
    weights[43] = 0;
    gram[2 * cols + 5] = std::numeric_limits<double>::quiet_NaN();
    contains(message({}, &factor), "gram [2, 5]");
    auto bad = factor_hessian(gram, cols, Order::natural, 32, 0.01);
    REQUIRE(!bad.ok());
    contains(bad.error().message, "gram [2, 5]");
    gram[2 * cols + 5] = 0;
    gram[7 * cols + 7] = -1;
    bad = factor_hessian(gram, cols, Order::natural, 32, 0.01);
    REQUIRE(!bad.ok());
    contains(bad.error().message, "gram [7, 7] is negative");
    gram[7 * cols + 7] = 1;

    CompensationOptions options;
    options.rule = ScaleRule::amax; // NVFP4's
    contains(message(options, &factor), "does not apply");
    options = {};
    options.method = ScaleMethod::alternating;
    contains(message(options, &factor), "for nvfp4");
    options = {};
    options.column_block = 0;
    contains(message(options, &factor), "column_block");
    options = {};
    options.tensor_scale = 0.0f;
    contains(message(options, &factor), "tensor scale");
    options = {};
    options.scale_time = ScaleTime::in_loop;
    std::vector<double> uneven = gram;
    for (size_t i = 0; i < cols; ++i) uneven[i * cols + i] = 1 + static_cast<double>(i * 7 % cols);
    const HessianFactor scattered = factor_of(uneven, cols, Order::diagonal);
    contains(message(options, &scattered), "keeps blocks");
    const HessianFactor other = factor_of(test::identity_gram(32), 32);
    contains(message({}, &other), "32 columns");
    gram.pop_back();
    contains(message({}, &factor), "gram: 1599 values");
    CHECK(!factor_hessian(gram, cols, Order::natural, 32, 0.01).ok());
    CHECK(!factor_hessian(test::identity_gram(4), 4, Order::natural, 32, -1).ok());
    CHECK(!factor_hessian(test::identity_gram(4), 4, Order::natural, 0, 0.01).ok());
    CHECK(!factor_hessian({}, 0, Order::natural, 32, 0.01).ok());
}

} // namespace fp4
