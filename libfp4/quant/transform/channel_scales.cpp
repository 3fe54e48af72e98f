#include "libfp4/quant/transform/channel_scales.h"

#include <algorithm>
#include <cmath>

#include "libfp4/quant/transform/layer_error.h"

namespace fp4 {
namespace {

constexpr int awq_steps = 20;

// The engine multiplies in float32; weights are divided by the same number.
double float_value(double value) {
    return static_cast<double>(static_cast<float>(value));
}

std::vector<double> awq_candidate(std::span<const double> mean_abs, double exponent) {
    std::vector<double> scale(mean_abs.size());
    for (size_t j = 0; j < scale.size(); ++j) scale[j] = std::max(std::pow(mean_abs[j], exponent), 1e-4);
    auto [low, high] = std::minmax_element(scale.begin(), scale.end());
    double normalize = std::sqrt(*low * *high);
    for (double& s : scale) s = float_value(normalize / s);
    return scale;
}

// values <- Q(W / scale) * scale - W: the error in the basis of the plain inputs.
Result<void> scaled_difference(const SiteWeight& weight, size_t index, const std::vector<double>& scale,
                               const RoundWeight& round, std::vector<float>& values) {
    size_t cols = scale.size();
    values.resize(weight.rows * cols);
    for (size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<float>(weight.values[i] / scale[i % cols]);
    }
    FP4_TRY(round(index, values.data(), weight.rows));
    for (size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<float>(values[i] * scale[i % cols] - weight.values[i]);
    }
    return {};
}

} // namespace

void raise_column_amax(const SiteWeight& weight, std::span<float> amax) {
    size_t cols = amax.size();
    for (size_t row = 0; row < weight.rows; ++row) {
        for (size_t j = 0; j < cols; ++j) {
            amax[j] = std::max(amax[j], std::abs(weight.values[row * cols + j]));
        }
    }
}

Result<std::vector<double>> smooth_scale(std::span<const float> input_amax,
                                         std::span<const float> weight_amax, const SmoothOptions& options) {
    if (input_amax.size() != weight_amax.size()) {
        return error(Status::argument, "smoothing has maxima of ", input_amax.size(), " input channels and ",
                     weight_amax.size(), " weight columns");
    }
    std::vector<double> scale(input_amax.size());
    for (size_t j = 0; j < scale.size(); ++j) {
        double weight = std::max(double{weight_amax[j]}, 1e-5);
        double s = std::pow(double{input_amax[j]}, options.alpha) / std::pow(weight, 1.0 - options.alpha);
        if (!std::isfinite(s)) {
            return error(Status::corrupt, "smoothing: channel ", j,
                         " has a largest input or weight that is no ",
                         "finite number; check the model's weights");
        }
        scale[j] = float_value(1.0 / std::max(s, options.minimum));
    }
    return scale;
}

Result<AwqScale> awq_scale(const SiteStatistics& statistics, std::span<const SiteWeight> weights,
                           const RoundWeight& round, ThreadPool& pool) {
    size_t cols = statistics.cols;
    if (cols == 0 || statistics.mean_abs.size() != cols || statistics.gram.size() != cols * cols) {
        return error(Status::argument, "awq needs the means and the gram of all ", cols, " input channels");
    }
    for (size_t j = 0; j < cols; ++j) {
        if (!std::isfinite(statistics.mean_abs[j])) {
            return error(Status::corrupt, "awq: the mean of input channel ", j, " is no finite number");
        }
    }
    AwqScale best;
    std::vector<float> difference;
    for (int step = 0; step < awq_steps; ++step) {
        double exponent = static_cast<double>(step) / awq_steps;
        std::vector<double> scale = awq_candidate(statistics.mean_abs, exponent);
        double total = 0.0;
        for (size_t index = 0; index < weights.size(); ++index) {
            FP4_TRY(scaled_difference(weights[index], index, scale, round, difference));
            total += layer_error(difference.data(), weights[index].rows, cols, statistics.gram, pool);
        }
        if (step == 0) best.plain_error = best.error = total;
        if (total < best.error) {
            best.error = total;
            best.exponent = exponent;
            best.channel_scale = std::move(scale);
        }
    }
    return best;
}

} // namespace fp4
