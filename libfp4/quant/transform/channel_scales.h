// Channel scales: what SmoothQuant, DuQuant++ and AWQ move from the inputs into the weights. All functions
// return SiteTransform's channel_scale, the factors of the *inputs* (1 / s in the papers' notation), float32
// values.
#pragma once

#include <functional>
#include <span>

#include "libfp4/quant/site_statistics.h"
#include "libfp4/quant/transform/site_transform.h"

namespace fp4 {

// One matrix over the site's input, [rows, K].
struct SiteWeight {
    const float* values = nullptr;
    size_t rows = 0;
};

// amax: [K], raised to the largest |w_j| of the rows. SmoothQuant takes all weights of the site, DuQuant++
// only q_proj of q/k/v and up_proj of gate/up.
void raise_column_amax(const SiteWeight& weight, std::span<float> amax);

struct SmoothOptions {
    double alpha = 0.5;    // how much of the difficulty moves into the weights
    double minimum = 1e-5; // smallest s
};
inline constexpr SmoothOptions duquant_smoothing{.alpha = 0.6, .minimum = 0.01};

// s_j = max|x_j|^alpha / max|W_j|^(1 - alpha), max|W_j| >= 1e-5 (SmoothQuant, arXiv 2211.10438, equation 4;
// DuQuant++, arXiv 2604.17789, with its own options).
Result<std::vector<double>> smooth_scale(std::span<const float> input_amax,
                                         std::span<const float> weight_amax, const SmoothOptions& options);

struct AwqScale {
    std::vector<double> channel_scale; // empty when no scaling is best
    double exponent = 0.0;             // r
    double error = 0.0;                // of the layer at r, see below
    double plain_error = 0.0;          // at r = 0
};

// Rounds `rows` rows of the site's weight `index` to the target format and back, in place.
using RoundWeight = std::function<Result<void>(size_t index, float* values, size_t rows)>;

// s_j = mean|x_j|^r (at least 1e-4) / sqrt(max s min s), r in {0, 1/20, .., 19/20}; the r with the least
// tr(dW G dW^T), dW = Q(W s) / s - W summed over the weights (AWQ, arXiv 2306.00978, section 3.2; its code
// takes the error of a sample of outputs instead of the exact mean).
Result<AwqScale> awq_scale(const SiteStatistics& statistics, std::span<const SiteWeight> weights,
                           const RoundWeight& round, ThreadPool& pool);

} // namespace fp4
