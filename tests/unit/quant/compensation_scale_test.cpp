#include <doctest/doctest.h>

#include <cmath>

#include "libfp4/format/scale_rule.h"
#include "libfp4/format/scale_search.h"
#include "libfp4/format/small_float.h"
#include "libfp4/quant/compensation/compensate.h"
#include "libfp4/quant/compensation/nvfp4_tensor_scale.h"
#include "tests/unit/quant/compensation_layers.h"

namespace fp4 {
namespace {

CompensatedMatrix round(std::vector<float> weights, size_t rows, const CompensationOptions& options) {
    auto pool = ThreadPool::create(1, ThreadPriority::normal);
    REQUIRE(pool.ok());
    auto result = compensate(weights, rows, nullptr, {}, options, **pool);
    if (!result.ok()) FAIL(result.error().message);
    return std::move(result).value();
}

} // namespace

TEST_CASE("FP-Quant's 4/3 grid: value = element x 2^floor(log2 amax) / 3, never clipped") {
    CompensationOptions options;
    options.method = ScaleMethod::fpquant;
    std::vector<float> row(32);
    row[0] = 7.9f;  // amax in [4, 8): scale 4/3, so 7.9 is 5.925 of it and becomes 6
    row[1] = -4.0f; // 3 exactly
    row[2] = 2.0f;  // 1.5 exactly
    row[3] = 0.7f;  // 0.525
    const CompensatedMatrix result = round(row, 1, options);
    CHECK(result.tensor_scale == 1.0f / 3.0f);
    CHECK(result.scales[0] == 127 + 2);
    CHECK(result.codes[0] == (7 | 0xD << 4));
    CHECK(result.codes[1] == (3 | 1 << 4));
    CHECK(result.values[0] == doctest::Approx(8.0f));
    CHECK(result.values[1] == doctest::Approx(-4.0f));
    CHECK(result.values[2] == doctest::Approx(2.0f));
    CHECK(result.values[3] == doctest::Approx(4.0f / 6.0f));
    // Extremes stay finite and zero stays zero.
    for (float amax : {3e38f, 1e-38f, 1e-45f}) {
        std::vector<float> extreme(32);
        extreme[5] = amax;
        CHECK(std::isfinite(round(extreme, 1, options).values[5]));
    }
    CHECK(round(std::vector<float>(32), 1, options).values == std::vector<float>(32));
}

TEST_CASE("FP-Quant's search only shrinks: it keeps the exponent or drops to a lower one") {
    const size_t rows = 40, cols = 64;
    std::vector<float> weights = test::random_weights(rows, cols, 21);
    for (BlockFormat format : {BlockFormat::mxfp4, BlockFormat::nvfp4}) {
        CompensationOptions options;
        options.format = format;
        options.method = ScaleMethod::fpquant;
        const CompensatedMatrix abs_max = round(weights, rows, options);
        options.method = ScaleMethod::fpquant_mse;
        const CompensatedMatrix searched = round(weights, rows, options);
        size_t lower = 0;
        for (size_t i = 0; i < searched.scales.size(); ++i) {
            CHECK(searched.scales[i] <= abs_max.scales[i]);
            lower += searched.scales[i] < abs_max.scales[i];
        }
        CHECK(lower > 0);
        CHECK(searched.error < abs_max.error);
        options.method = ScaleMethod::rule;
        CHECK(round(weights, rows, options).error < searched.error);
    }
}

TEST_CASE("MXFP4's weighted search reaches the best of all powers of two") {
    std::vector<float> weights = test::random_weights(1, 32 * 64, 22);
    size_t far_below = 0;
    for (size_t b = 0; b < 64; ++b) {
        float* values = weights.data() + b * 32;
        std::vector<float> importance(32, 1.0f);
        values[b % 32] = 0.5f;
        importance[b % 32] = b % 2 ? 0.0f : 1e-3f; // the largest value hardly counts
        auto error = [&](int code) {
            const double scale = block_scale_value(BlockFormat::mxfp4, static_cast<uint8_t>(code));
            double sum = 0;
            for (size_t i = 0; i < 32; ++i) {
                const double x = std::abs(values[i]);
                const double q =
                    nearest_magnitude(small_float::e2m1, 6.0f, static_cast<float>(x / scale)) * scale;
                sum += importance[i] * (x - q) * (x - q);
            }
            return sum;
        };
        const float amax = row_amax(values, 32);
        const int floor_code = mx_scale_code(mx_scale_exponent(BlockFormat::mxfp4, ScaleRule::floor, amax));
        const int chosen =
            choose_block_scale(BlockFormat::mxfp4, ScaleRule::mse, 1.0f, values, importance.data());
        for (int code = floor_code - 3; code <= floor_code + 3; ++code)
            CHECK(error(chosen) <= error(code) * (1 + 1e-5));
        far_below += chosen < floor_code - 1;
    }
    CHECK(far_below > 8);
}

TEST_CASE("alternating tensor and group scales: never worse than either start, best in closed form") {
    auto pool = ThreadPool::create(2, ThreadPriority::normal);
    REQUIRE(pool.ok());
    for (uint64_t seed : {31u, 32u, 33u}) {
        const size_t rows = 24, cols = 80;
        const std::vector<float> weights = test::random_weights(rows, cols, seed);
        std::vector<float> importance(cols);
        for (size_t j = 0; j < cols; ++j) importance[j] = 0.1f + static_cast<float>(j % 7);
        std::vector<double> gram(cols * cols);
        for (size_t j = 0; j < cols; ++j) gram[j * cols + j] = importance[j];
        for (bool weigh : {false, true}) {
            const TensorScaleFit fit = fit_nvfp4_tensor_scale(
                weights, rows, cols, weigh ? importance : std::vector<float>{}, **pool);
            CHECK(fit.iterations >= 3);
            CompensationOptions options;
            options.format = BlockFormat::nvfp4;
            options.weigh_by_hessian = weigh;
            auto error_with = [&](ScaleMethod method, ScaleRule rule, std::optional<float> tensor_scale) {
                std::vector<float> copy = weights;
                options.method = method;
                options.rule = rule;
                options.tensor_scale = tensor_scale;
                auto result =
                    compensate(copy, rows, nullptr, weigh ? gram : std::vector<double>{}, options, **pool);
                REQUIRE(result.ok());
                return result->error;
            };
            const float amax = row_amax(weights.data(), weights.size());
            const double fitted = error_with(ScaleMethod::alternating, ScaleRule::mse, std::nullopt);
            CHECK(fitted == doctest::Approx(fit.error).epsilon(1e-5));
            CHECK(fitted <= error_with(ScaleMethod::rule, ScaleRule::mse, std::nullopt));
            CHECK(fitted <= error_with(ScaleMethod::rule, ScaleRule::mse, amax / 2688.0f));
            CHECK(fitted < error_with(ScaleMethod::rule, ScaleRule::amax, std::nullopt));
        }
    }
    CHECK(fit_nvfp4_tensor_scale(std::vector<float>(32), 2, 16, {}, **pool).tensor_scale == 1.0f);
}

} // namespace fp4
