#include "libfp4/quant/compensation/scale_method.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "libfp4/format/block_element.h"
#include "libfp4/format/scale_rule.h"
#include "libfp4/format/scale_search.h"

namespace fp4 {
namespace {

constexpr float smallest_fpquant_amax = 0x1p-126f;
constexpr int fpquant_steps = 100;
constexpr float fpquant_shrink = 0.8f;
constexpr double fpquant_norm = 2.4;

// The observer of MR-GPTQ (arXiv 2509.23202) in its public code: scales (1 - 0.8 i / 100) amax / 6, i < 100,
// scored by the sum of |x - x_hat|^2.4 with the scale itself, not with what it rounds to. Returns amax of
// the best one, 6 x scale.
float fpquant_observer(const float* values, size_t count, float amax) {
    const SmallFloat element = small_float::e2m1;
    double best_error = std::numeric_limits<double>::infinity();
    float best = amax;
    for (int i = 0; i < fpquant_steps; ++i) {
        const float reach = (1.0f - fpquant_shrink * static_cast<float>(i) / fpquant_steps) * amax;
        const float scale = reach / 6.0f;
        if (!(scale > 0)) break;
        double sum = 0;
        for (size_t v = 0; v < count; ++v) {
            const float rounded = nearest_magnitude(element, 6.0f, values[v] / scale) * scale;
            sum += std::pow(std::abs(std::abs(values[v]) - rounded), fpquant_norm);
        }
        if (sum < best_error) {
            best_error = sum;
            best = reach;
        }
    }
    return best;
}

// Block scale 2^floor(log2 amax), tensor scale 1/3: amax comes to lie in [3, 6) and is never clipped.
uint8_t fpquant_mx_scale(float amax) {
    const int floor_exponent =
        mx_scale_exponent(BlockFormat::mxfp4, ScaleRule::floor, std::max(amax, smallest_fpquant_amax));
    const int exponent = floor_exponent + max_exponent(small_float::e2m1);
    return mx_scale_code(std::min(exponent, max_scale_exponent(BlockFormat::mxfp4)));
}

} // namespace

Result<void> check_scale_method(ScaleMethod method, BlockFormat format, ScaleRule rule) {
    if (method == ScaleMethod::rule && !scale_rule_applies(format, rule))
        return error(Status::argument, "scale rule '", scale_rule_name(rule), "' does not apply to ",
                     block_format_name(format));
    if (method == ScaleMethod::alternating && format != BlockFormat::nvfp4)
        return error(Status::argument, "the alternating tensor scale is for nvfp4, not for ",
                     block_format_name(format));
    if ((method == ScaleMethod::fpquant || method == ScaleMethod::fpquant_mse) &&
        format != BlockFormat::nvfp4 && format != BlockFormat::mxfp4)
        return error(Status::argument, "FP-Quant's scales are for mxfp4 and nvfp4, not for ",
                     block_format_name(format));
    return {};
}

float method_tensor_scale(ScaleMethod method, BlockFormat format, ScaleRule rule, float tensor_amax) {
    switch (method) {
        case ScaleMethod::alternating:
            return tensor_scale_for(format, ScaleRule::mse, tensor_amax);
        case ScaleMethod::fpquant:
        case ScaleMethod::fpquant_mse:
            return format == BlockFormat::nvfp4 ? tensor_scale_for(format, ScaleRule::amax, tensor_amax)
                                                : 1.0f / 3.0f;
        case ScaleMethod::rule:
            break;
    }
    return tensor_scale_for(format, rule, tensor_amax);
}

uint8_t method_block_scale(ScaleMethod method, BlockFormat format, ScaleRule rule, float tensor_scale,
                           const float* values, const float* importance) {
    if (method == ScaleMethod::rule)
        return choose_block_scale(format, rule, tensor_scale, values, importance);
    if (method == ScaleMethod::alternating)
        return choose_block_scale(format, ScaleRule::mse, tensor_scale, values, importance);
    const float amax = row_amax(values, block_size(format));
    if (is_nan_bits(magnitude_bits(amax))) return nan_scale_code(format);
    if (amax == 0) return zero_scale_code;
    const float reach =
        method == ScaleMethod::fpquant_mse ? fpquant_observer(values, block_size(format), amax) : amax;
    return format == BlockFormat::nvfp4 ? nvfp4_scale_code(reach, 1.0f, tensor_scale)
                                        : fpquant_mx_scale(reach);
}

} // namespace fp4
