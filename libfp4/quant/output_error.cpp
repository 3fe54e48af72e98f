#include "libfp4/quant/output_error.h"

#include <Eigen/Core>
#include <algorithm>

#include "libfp4/quant/compensation/factor.h"

namespace fp4 {
namespace {

using FloatMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using FloatMap = Eigen::Map<const FloatMatrix>;

// More rows cost time and change no choice.
constexpr size_t most_rows = 512;

// Rows of x as the linears get them: transformed, rounded and back.
FloatMatrix rounded_inputs(const SiteCandidate& candidate, const FloatMatrix& plain, ThreadPool& pool) {
    const size_t cols = static_cast<size_t>(plain.cols());
    FloatMatrix inputs = plain;
    pool.parallel_for(static_cast<size_t>(plain.rows()), [&](size_t row) {
        float* values = inputs.row(static_cast<Eigen::Index>(row)).data();
        std::vector<double> exact(values, values + cols);
        transform_input(candidate.transform, exact.data());
        std::ranges::copy(exact, values);
        const auto format =
            candidate.activation ? activation_block_format(candidate.activation->kind) : std::nullopt;
        if (!format) return;
        const ScaleRule rule = activation_rule(*candidate.activation);
        const float scale = activation_tensor_scale(*candidate.activation, row_amax(values, cols));
        std::vector<uint8_t> codes(row_code_bytes(*format, cols)), scales(row_scales(*format, cols));
        quantize_row(*format, rule, scale, values, cols, codes.data(), scales.data());
        dequantize_row(*format, scale, codes.data(), scales.data(), cols, values);
    });
    return inputs;
}

} // namespace

Result<double> output_error(const SiteCandidate& candidate, std::span<const SourceLinear> linears,
                            const SiteStatistics& statistics, double damping, ThreadPool& pool) {
    const size_t cols = statistics.cols, stride = std::max<size_t>(1, statistics.sample_rows / most_rows);
    const size_t rows = statistics.sample_rows / stride;
    FloatMatrix plain(rows, cols);
    for (size_t row = 0; row < rows; ++row)
        std::copy_n(&statistics.sample[row * stride * cols], cols,
                    plain.row(static_cast<Eigen::Index>(row)).data());
    const FloatMatrix inputs = rounded_inputs(candidate, plain, pool);

    std::vector<double> gram;
    std::optional<HessianFactor> factor;
    if (damping >= 0) {
        gram = statistics.gram;
        if (!candidate.transform.identity()) transform_gram(candidate.transform, gram, pool);
        FP4_ASSIGN(factor, factor_hessian(gram, cols, Order::natural, block_size(candidate.format), damping));
    }
    CompensationOptions options;
    options.format = candidate.format;
    double error = 0, power = 0;
    for (const SourceLinear& linear : linears) {
        std::vector<float> weights = *linear.values;
        if (!candidate.transform.identity())
            transform_weights(candidate.transform, weights.data(), linear.rows, pool);
        FP4_ASSIGN(CompensatedMatrix rounded,
                   compensate(weights, linear.rows, factor ? &*factor : nullptr, gram, options, pool));
        const FloatMap original(linear.values->data(), static_cast<Eigen::Index>(linear.rows),
                                static_cast<Eigen::Index>(cols));
        const FloatMap quantized(rounded.values.data(), static_cast<Eigen::Index>(linear.rows),
                                 static_cast<Eigen::Index>(cols));
        const FloatMatrix wanted = plain * original.transpose();
        error += (inputs * quantized.transpose() - wanted).squaredNorm();
        power += wanted.squaredNorm();
    }
    return power > 0 ? error / power : 0.0;
}

} // namespace fp4
