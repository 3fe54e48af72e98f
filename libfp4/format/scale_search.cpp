#include "libfp4/format/scale_search.h"

#include <algorithm>
#include <array>
#include <limits>

#include "libfp4/format/block_element.h"
#include "libfp4/format/scale_rule.h"

namespace fp4 {
namespace {

constexpr size_t lanes = 8; // independent partial sums: vectorizable, and one fixed order of additions

constexpr std::array<float, 32> equal_importance = [] {
    std::array<float, 32> ones{};
    ones.fill(1.0f);
    return ones;
}();

// Keeps the candidate with the smallest error; an equal one later changes nothing.
class ScaleSearch {
  public:
    ScaleSearch(BlockFormat format, float tensor_scale, const float* values, const float* importance)
        : format_(format),
          element_(block_element(format).magnitude),
          tensor_scale_(tensor_scale),
          values_(values),
          weighted_(importance != nullptr),
          importance_(importance ? importance : equal_importance.data()) {}

    void consider(uint8_t code) {
        if (code == reference_code_) return;
        const float scale = block_scale_value(format_, code);
        if (reference_scale_ == 0) {
            reference_code_ = best_code_ = code;
            reference_scale_ = scale;
        }
        // In units of the first candidate's scale no square can overflow or vanish.
        const float ratio = scale / reference_scale_;
        const float error =
            element_error(inverse_block_scale(format_, tensor_scale_, code)) * (ratio * ratio);
        if (error < best_error_) {
            best_error_ = error;
            best_code_ = code;
        }
    }

    uint8_t best() const { return best_code_; }
    bool weighted() const { return weighted_; }

  private:
    // Sum of importance x (rounding error in element units)^2.
    float element_error(float inverse) const {
        const float largest = max_value(element_);
        float sums[lanes] = {};
        for (size_t i = 0; i < block_size(format_); i += lanes) {
            for (size_t lane = 0; lane < lanes; ++lane) {
                const float value = values_[i + lane] * inverse;
                const float magnitude = std::bit_cast<float>(magnitude_bits(value));
                const float error = magnitude - nearest_magnitude(element_, largest, value);
                sums[lane] += importance_[i + lane] * (error * error);
            }
        }
        return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    }

    BlockFormat format_;
    SmallFloat element_;
    float tensor_scale_;
    const float* values_;
    bool weighted_;
    const float* importance_;
    int reference_code_ = -1;
    float reference_scale_ = 0;
    uint8_t best_code_ = zero_scale_code;
    float best_error_ = std::numeric_limits<float>::infinity();
};

uint8_t choose_mx(BlockFormat format, ScaleRule rule, float amax, ScaleSearch& search) {
    const int exponent = mx_scale_exponent(format, rule, amax);
    if (rule != ScaleRule::mse) return mx_scale_code(exponent);
    // A power of two above floor + 1 holds no value that floor + 1 lacks (and that one clips nothing); one
    // below floor - 1 clips the largest value by more than the other values' rounding errors can repay when
    // all count the same (E2M1, in units of floor's scale: 4 - 1.5 squared against 31 x 0.25 squared). With
    // importance weights the largest value may count for little, so lower ones are tried as well.
    for (int step : {0, 1, -1, -2, -3}) {
        if (step < -1 && !search.weighted()) break;
        const int candidate = exponent + step;
        if (candidate >= min_scale_exponent && candidate <= max_scale_exponent(format))
            search.consider(mx_scale_code(candidate));
    }
    return search.best();
}

uint8_t choose_nvfp4(ScaleRule rule, float amax, float tensor_scale, ScaleSearch& search) {
    const uint8_t six = nvfp4_scale_code(amax, 1.0f, tensor_scale);
    if (rule == ScaleRule::amax) return six;
    // Code 0 turns the block into zeros, which is never better than the smallest real scale.
    if (six != zero_scale_code) search.consider(six);
    if (rule == ScaleRule::four_over_six) {
        const uint8_t four = nvfp4_scale_code(amax, 1.5f, tensor_scale);
        if (four != zero_scale_code) search.consider(four);
    } else {
        const int last = nvfp4_scale_code(amax, 1.8f, tensor_scale);
        for (int code = std::max<int>(nvfp4_scale_code(amax, 0.5f, tensor_scale), 1); code <= last; ++code)
            search.consider(static_cast<uint8_t>(code));
    }
    return search.best();
}

} // namespace

uint8_t choose_block_scale(BlockFormat format, ScaleRule rule, float tensor_scale, const float* values,
                           const float* importance) {
    const float amax = row_amax(values, block_size(format));
    if (is_nan_bits(magnitude_bits(amax))) return nan_scale_code(format);
    if (amax == 0) return zero_scale_code;
    ScaleSearch search(format, tensor_scale, values, importance);
    if (format == BlockFormat::nvfp4) return choose_nvfp4(rule, amax, tensor_scale, search);
    // prescale34's tensor scale 4/3 acts on the elements only: its block scale is the floor scale of amax.
    const float unit = rule == ScaleRule::prescale34 ? 0.75f * tensor_scale : tensor_scale;
    return choose_mx(format, rule, amax / unit, search);
}

float inverse_block_scale(BlockFormat format, float tensor_scale, uint8_t scale_code) {
    const float scale = block_scale_value(format, scale_code) * tensor_scale;
    if (!(scale > 0)) return 0;
    return std::min(1.0f / scale, std::numeric_limits<float>::max());
}

} // namespace fp4
