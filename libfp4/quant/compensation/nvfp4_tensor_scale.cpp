#include "libfp4/quant/compensation/nvfp4_tensor_scale.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "libfp4/format/block_element.h"
#include "libfp4/format/scale_rule.h"
#include "libfp4/format/scale_search.h"

namespace fp4 {
namespace {

constexpr BlockFormat format = BlockFormat::nvfp4;
constexpr size_t block = 16;
constexpr uint32_t most_iterations = 24; // of one start; gains end after a few
constexpr double least_gain = 1e-4;

// Sums over a row, q being the rounded value in units of the tensor scale.
struct RowSums {
    double value_square = 0;   // w x^2
    double product = 0;        // w x q
    double rounded_square = 0; // w q^2
    double error(double scale) const {
        return value_square - 2 * scale * product + scale * scale * rounded_square;
    }
};

RowSums round_row(const float* row, size_t cols, const std::vector<float>& importance, float tensor_scale) {
    RowSums sums;
    for (size_t first = 0; first < cols; first += block) {
        const size_t count = std::min(block, cols - first);
        std::array<float, block> values{}, weights{};
        std::copy_n(row + first, count, values.begin());
        if (importance.empty())
            weights.fill(1.0f);
        else
            std::copy_n(importance.begin() + static_cast<std::ptrdiff_t>(first), count, weights.begin());
        const uint8_t code =
            choose_block_scale(format, ScaleRule::mse, tensor_scale, values.data(), weights.data());
        const float inverse = inverse_block_scale(format, tensor_scale, code);
        const double scale = block_scale_value(format, code);
        for (size_t i = 0; i < count; ++i) {
            const double x = std::abs(values[i]);
            const double q = nearest_magnitude(small_float::e2m1, 6.0f, values[i] * inverse) * scale;
            sums.value_square += weights[i] * x * x;
            sums.product += weights[i] * x * q;
            sums.rounded_square += weights[i] * q * q;
        }
    }
    return sums;
}

RowSums round_all(const std::vector<float>& values, size_t rows, size_t cols,
                  const std::vector<float>& importance, float tensor_scale, ThreadPool& pool) {
    std::vector<RowSums> of_row(rows);
    pool.parallel_for(rows, [&](size_t r) {
        of_row[r] = round_row(values.data() + r * cols, cols, importance, tensor_scale);
    });
    RowSums total;
    for (const RowSums& row : of_row) {
        total.value_square += row.value_square;
        total.product += row.product;
        total.rounded_square += row.rounded_square;
    }
    return total;
}

} // namespace

TensorScaleFit fit_nvfp4_tensor_scale(const std::vector<float>& weights, size_t rows, size_t cols,
                                      const std::vector<float>& importance, ThreadPool& pool) {
    const float amax = row_amax(weights.data(), weights.size());
    TensorScaleFit best;
    best.error = std::numeric_limits<double>::infinity();
    for (ScaleRule start : {ScaleRule::amax, ScaleRule::mse}) {
        float scale = tensor_scale_for(format, start, amax);
        double previous = std::numeric_limits<double>::infinity();
        for (uint32_t i = 0; i < most_iterations; ++i) {
            const RowSums sums = round_all(weights, rows, cols, importance, scale, pool);
            const double now = sums.error(scale);
            ++best.iterations;
            if (now < best.error) {
                best.error = now;
                best.tensor_scale = scale;
            }
            const double next = sums.rounded_square > 0 ? sums.product / sums.rounded_square : scale;
            const float rounded = static_cast<float>(next);
            if (!(previous - now > least_gain * now) || rounded == scale || !(rounded >= 0x1p-117f)) break;
            previous = now;
            scale = rounded;
        }
    }
    return best;
}

} // namespace fp4
