// Error compensation against GPTQ as its paper writes it: float64, one column at a time, with the inverse of
// the remaining Hessian updated by Gaussian elimination instead of a triangular factor.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "libfp4/format/element.h"
#include "libfp4/format/scale_rule.h"
#include "libfp4/format/scale_search.h"
#include "libfp4/quant/compensation/compensate.h"
#include "tests/unit/quant/compensation_layers.h"

namespace fp4 {
namespace {

std::vector<double> inverse(std::vector<double> a, size_t n) {
    std::vector<double> b = test::identity_gram(n);
    for (size_t p = 0; p < n; ++p) {
        const double pivot = a[p * n + p];
        for (size_t j = 0; j < n; ++j) a[p * n + j] /= pivot, b[p * n + j] /= pivot;
        for (size_t i = 0; i < n; ++i) {
            const double factor = a[i * n + p];
            if (i == p || factor == 0) continue;
            for (size_t j = 0; j < n; ++j)
                a[i * n + j] -= factor * a[p * n + j], b[i * n + j] -= factor * b[p * n + j];
        }
    }
    return b;
}

double nearest_e2m1(double x, double& margin) {
    static constexpr double grid[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
    const double magnitude = std::abs(x);
    double best = 0;
    margin = 1e9;
    for (int i = 0; i < 8; ++i) {
        if (std::abs(magnitude - grid[i]) < std::abs(magnitude - best)) best = grid[i];
        if (i > 0) margin = std::min(margin, std::abs(magnitude - (grid[i] + grid[i - 1]) / 2));
    }
    return std::copysign(best, x);
}

struct Reference {
    std::vector<double> elements, values; // [N, K]
    std::vector<size_t> sure;             // [N] columns before the first near tie
};

// GPTQ (arXiv 2210.17323) equations 2 and 3: w -= (w_j - q) / [H^-1]_jj x [H^-1]_j,: and elimination of j.
Reference reference_gptq(const std::vector<float>& weights, size_t rows, size_t cols,
                         std::vector<double> gram, double damping, const CompensationOptions& options,
                         float tensor_scale) {
    const size_t block = block_size(options.format);
    double mean = 0;
    for (size_t i = 0; i < cols; ++i) mean += gram[i * cols + i] / static_cast<double>(cols);
    for (size_t i = 0; i < cols; ++i) gram[i * cols + i] += damping * mean;
    std::vector<double> remaining = inverse(gram, cols);
    std::vector<double> w(weights.begin(), weights.end());
    Reference result{std::vector<double>(w.size()), std::vector<double>(w.size()),
                     std::vector<size_t>(rows, cols)};
    std::vector<uint8_t> codes(rows);
    for (size_t j = 0; j < cols; ++j) {
        const double pivot = remaining[j * cols + j];
        for (size_t r = 0; r < rows; ++r) {
            if (j % block == 0) {
                std::vector<float> part(block);
                for (size_t i = 0; i < std::min(block, cols - j); ++i)
                    part[i] = options.scale_time == ScaleTime::fixed
                                  ? weights[r * cols + j + i]
                                  : static_cast<float>(w[r * cols + j + i]);
                codes[r] = choose_block_scale(options.format, options.rule, tensor_scale, part.data());
            }
            const double scale = double(block_scale_value(options.format, codes[r])) * tensor_scale;
            double margin = 0;
            const double element = nearest_e2m1(w[r * cols + j] / scale, margin);
            if (margin < 1e-4) result.sure[r] = std::min(result.sure[r], j);
            result.elements[r * cols + j] = element;
            result.values[r * cols + j] = element * scale;
            const double error = (w[r * cols + j] - element * scale) / pivot;
            for (size_t k = j; k < cols; ++k) w[r * cols + k] -= error * remaining[j * cols + k];
        }
        const std::vector<double> row(remaining.begin() + static_cast<std::ptrdiff_t>(j * cols),
                                      remaining.begin() + static_cast<std::ptrdiff_t>((j + 1) * cols));
        for (size_t i = 0; i < cols; ++i)
            for (size_t k = 0; k < cols; ++k) remaining[i * cols + k] -= row[i] * row[k] / pivot;
    }
    return result;
}

double code_element(const CompensatedMatrix& matrix, size_t row_bytes, size_t row, size_t column) {
    const uint8_t byte = matrix.codes[row * row_bytes + column / 2];
    return decode_e2m1(column % 2 ? byte >> 4 : byte & 0x0F);
}

} // namespace

TEST_CASE("compensation equals column-by-column GPTQ in float64") {
    struct Case {
        BlockFormat format;
        ScaleRule rule;
        ScaleTime time;
        size_t rows, cols;
    };
    const Case cases[] = {
        {BlockFormat::mxfp4, ScaleRule::even, ScaleTime::fixed, 5, 32},
        {BlockFormat::mxfp4, ScaleRule::mse, ScaleTime::fixed, 40, 192},
        {BlockFormat::mxfp4, ScaleRule::mse, ScaleTime::fixed, 33, 77},
        {BlockFormat::mxfp4, ScaleRule::ceil, ScaleTime::in_loop, 17, 160},
        {BlockFormat::nvfp4, ScaleRule::mse, ScaleTime::fixed, 40, 160},
        {BlockFormat::nvfp4, ScaleRule::amax, ScaleTime::fixed, 7, 45},
        {BlockFormat::nvfp4, ScaleRule::four_over_six, ScaleTime::in_loop, 9, 150},
        {BlockFormat::mxfp4, ScaleRule::even, ScaleTime::fixed, 1, 1},
        {BlockFormat::nvfp4, ScaleRule::mse, ScaleTime::in_loop, 1, 33},
    };
    auto pool = ThreadPool::create(1, ThreadPriority::normal);
    REQUIRE(pool.ok());
    size_t compared = 0, possible = 0;
    for (const Case& c : cases) {
        CAPTURE(c.rows);
        CAPTURE(c.cols);
        std::vector<float> weights = test::random_weights(c.rows, c.cols, 100 + c.cols);
        const std::vector<double> gram = test::random_gram(c.cols, 3 * c.cols, 0.9, 7 + c.cols);
        CompensationOptions options;
        options.format = c.format;
        options.rule = c.rule;
        options.scale_time = c.time;
        options.column_block = 64;
        auto factor = factor_hessian(gram, c.cols, Order::natural, 1, 0.01);
        REQUIRE(factor.ok());
        CHECK(factor->retries == 0);
        auto result = compensate(weights, c.rows, &*factor, gram, options, **pool);
        REQUIRE(result.ok());
        const Reference reference =
            reference_gptq(weights, c.rows, c.cols, gram, 0.01, options, result->tensor_scale);
        const size_t row_bytes = row_code_bytes(c.format, c.cols);
        for (size_t r = 0; r < c.rows; ++r) {
            // In the loop a scale may tip at a near tie of its own, which the reference cannot see.
            for (size_t j = 0; j < reference.sure[r]; ++j)
                REQUIRE(code_element(*result, row_bytes, r, j) == reference.elements[r * c.cols + j]);
            compared += reference.sure[r];
            possible += c.cols;
        }
        CHECK(result->error ==
              doctest::Approx(test::error_of(weights, result->values, gram, c.cols)).epsilon(1e-9));
        CHECK(result->reference_power ==
              doctest::Approx(test::error_of(weights, std::vector<float>(weights.size()), gram, c.cols))
                  .epsilon(1e-9));
        double expected = 0;
        for (size_t r = 0; r < c.rows; ++r)
            for (size_t i = 0; i < c.cols; ++i)
                for (size_t j = 0; j < c.cols; ++j)
                    expected += (weights[r * c.cols + i] - reference.values[r * c.cols + i]) *
                                gram[i * c.cols + j] *
                                (weights[r * c.cols + j] - reference.values[r * c.cols + j]);
        const bool all_sure = std::all_of(reference.sure.begin(), reference.sure.end(),
                                          [&](size_t sure) { return sure == c.cols; });
        CHECK(result->error == doctest::Approx(expected).epsilon(all_sure ? 1e-6 : 0.05));
    }
    CHECK(compared > possible * 9 / 10);
}

TEST_CASE("the factor is that of the inverse of the damped, permuted Hessian") {
    const size_t cols = 150; // beyond one leaf of the recursive inversion
    const std::vector<double> gram = test::random_gram(cols, 400, 0.8, 3);
    for (Order order : {Order::natural, Order::diagonal, Order::group}) {
        auto factor = factor_hessian(gram, cols, order, 32, 0.01);
        REQUIRE(factor.ok());
        double mean = 0;
        for (size_t i = 0; i < cols; ++i) mean += gram[i * cols + i] / cols;
        std::vector<double> damped(cols * cols);
        for (size_t i = 0; i < cols; ++i)
            for (size_t j = 0; j < cols; ++j)
                damped[i * cols + j] =
                    gram[factor->order[i] * cols + factor->order[j]] + (i == j ? 0.01 * mean : 0);
        const std::vector<double> expected = inverse(damped, cols);
        for (size_t i = 0; i < cols; ++i)
            for (size_t j = 0; j < cols; ++j) {
                double product = 0;
                for (size_t k = 0; k <= std::min(i, j); ++k)
                    product += double(factor->upper[k * cols + i]) * factor->upper[k * cols + j];
                const double size = std::sqrt(expected[i * cols + i] * expected[j * cols + j]);
                REQUIRE(std::abs(product - expected[i * cols + j]) < 1e-6 * size);
                if (j < i) REQUIRE(factor->upper[i * cols + j] == 0.0f);
            }
    }
}

} // namespace fp4
