#include "libfp4/quant/site_quantizer.h"

#include <cmath>
#include <limits>

#include "libfp4/quant/calibration/collect.h"
#include "libfp4/quant/make_transform.h"
#include "libfp4/quant/output_error.h"
#include "libfp4/quant/target_weights.h"

namespace fp4 {
namespace {

constexpr size_t sample_rows = 1024;

class SiteQuantizer {
  public:
    SiteQuantizer(LayerWork& work, Site site, std::span<const SourceLinear> linears)
        : work_(work), recipe_(work.recipe), linears_(linears), cols_(linears.front().cols) {
        result_.site = site;
    }

    Result<QuantizedSite> run() {
        bool any_block = false;
        for (const SourceLinear& linear : linears_) {
            QuantizedLinear quantized;
            quantized.tensor = linear.tensor;
            quantized.encoding = target_encoding(*linear.tensor, recipe_.format, recipe_.tensors);
            any_block |= is_block(quantized);
            result_.linears.push_back(std::move(quantized));
        }
        const TransformRecipe& wanted = recipe_.transform(result_.site);
        std::optional<SiteTransform> learned;
        if (work_.learned) {
            FP4_ASSIGN(learned, work_.learned->read(work_.layer, result_.site));
        }
        const bool chosen = !learned && !recipe_.choice.transforms.empty();
        const bool made = !learned && !chosen;
        const bool with_statistics =
            any_block && (chosen || (made && needs_statistics(wanted)) || needs_plain_gram());
        if (with_statistics) {
            FP4_ASSIGN(statistics_, collect_statistics(*work_.walk, work_.backend, result_.site, sample_rows,
                                                       work_.progress));
        }
        transform_.cols = cols_;
        if (any_block && chosen) FP4_TRY(choose_transform());
        if (any_block && learned) transform_ = std::move(*learned);
        if (any_block && made) {
            FP4_ASSIGN(transform_,
                       make_transform(wanted, recipe_.format, with_statistics ? &statistics_ : nullptr,
                                      linears_, work_.pool, result_.notes));
        }
        result_.definition.transform = input_transform(transform_);
        result_.definition.matrix_format = transform_.storage;
        if (any_block) result_.definition.activation = activation();
        FP4_TRY(transform_linears());
        if (any_block) {
            FP4_TRY(calibrate_tensor_scale());
            FP4_TRY(round_linears());
        }
        FP4_TRY(place());
        return std::move(result_);
    }

  private:
    static bool is_block(const QuantizedLinear& linear) {
        return linear.encoding.kind == TensorEncoding::Kind::block;
    }
    bool needs_plain_gram() const {
        return recipe_.compensation.enabled && !recipe_.compensation.rounded_inputs;
    }

    // 4-bit inputs only for 4-bit weights: a site that was given more bits gets them on both sides.
    std::optional<ActivationFormat> activation() const {
        const ActivationRecipe& wanted = recipe_.activations;
        if (wanted.kind == ActivationFormat::Kind::a16) return std::nullopt;
        ActivationFormat format{wanted.kind, wanted.rule, 0};
        bool four_bit = true;
        for (const QuantizedLinear& linear : result_.linears)
            four_bit &= !is_block(linear) || element_bits(linear.encoding.block) == 4;
        const bool wide = wanted.kind == ActivationFormat::Kind::mxint8 ||
                          wanted.kind == ActivationFormat::Kind::mxfp8_e4m3;
        if (!four_bit && !wide)
            return ActivationFormat{ActivationFormat::Kind::mxfp8_e4m3, ScaleRule::ceil, 0};
        return format;
    }

    // The candidate whose outputs are nearest to the original ones.
    Result<void> choose_transform() {
        const double damping = recipe_.compensation.enabled ? recipe_.compensation.damping : -1;
        double smallest = std::numeric_limits<double>::infinity();
        for (const TransformRecipe& candidate : recipe_.choice.transforms) {
            std::vector<std::string> notes;
            FP4_ASSIGN(SiteTransform transform,
                       make_transform(candidate, recipe_.format, &statistics_, linears_, work_.pool, notes));
            const SiteCandidate site{transform, recipe_.format, activation()};
            FP4_ASSIGN(const double error, output_error(site, linears_, statistics_, damping, work_.pool));
            result_.candidates.push_back({candidate, error});
            if (!(error < smallest)) continue;
            smallest = error;
            transform_ = std::move(transform);
            result_.chosen = result_.candidates.size() - 1;
        }
        return {};
    }

    Result<void> transform_linears() {
        for (size_t i = 0; i < linears_.size(); ++i) {
            result_.linears[i].values = *linears_[i].values;
            if (!transform_.identity())
                transform_weights(transform_, result_.linears[i].values.data(), linears_[i].rows, work_.pool);
        }
        return {};
    }

    // The site as the device runs it: plainly rounded at first, so that its inputs are rounded as they will
    // be.
    Result<void> place() {
        if (!work_.weights) return {};
        InputSite& at = work_.weights->sites[static_cast<size_t>(result_.site)];
        at.activation = result_.definition.activation;
        at.transform.reset();
        if (!transform_.identity()) {
            FP4_ASSIGN(at.transform, work_.backend.load(result_.definition.transform, cols_));
        }
        for (size_t i = 0; i < linears_.size(); ++i) {
            auto& place = *layer_place(*work_.weights, linears_[i].role);
            FP4_ASSIGN(place, device_weight(result_.linears[i], linears_[i].rows));
        }
        return {};
    }

    Result<std::unique_ptr<Weight>> device_weight(const QuantizedLinear& linear, size_t rows) {
        if (!is_block(linear))
            return load_values(work_.backend, std::make_shared<std::vector<float>>(linear.values), rows,
                               cols_);
        HostWeight weight; // without an owner: the device copies
        weight.format = to_weight_format(linear.encoding.block);
        weight.rows = rows;
        weight.cols = cols_;
        weight.data = linear.matrix.codes.data();
        weight.scales = linear.matrix.scales.data();
        weight.tensor_scale = linear.matrix.tensor_scale;
        return work_.backend.load(weight);
    }

    Result<void> calibrate_tensor_scale() {
        auto& activation = result_.definition.activation;
        if (!recipe_.activations.calibrated_tensor_scale || !activation ||
            activation->kind != ActivationFormat::Kind::nvfp4) {
            return {};
        }
        FP4_TRY(round_all(nullptr, {}));
        FP4_TRY(place());
        FP4_ASSIGN(float amax,
                   collect_transformed_amax(*work_.walk, work_.backend, result_.site, work_.progress));
        activation->tensor_scale = activation_tensor_scale(*activation, amax);
        return {};
    }

    Result<void> round_linears() {
        const CompensationRecipe& compensation = recipe_.compensation;
        if (!compensation.enabled) return round_all(nullptr, measured_gram());
        std::vector<double> gram;
        if (compensation.rounded_inputs) {
            FP4_TRY(round_all(nullptr, {}));
            FP4_TRY(place());
            LayerWalk* original = compensation.target == Target::model ? work_.original : nullptr;
            FP4_ASSIGN(SiteTargets targets,
                       collect_targets(*work_.walk, original, work_.backend, result_.site, work_.progress));
            if (compensation.target != Target::weights) FP4_TRY(fit_weights(targets));
            gram = std::move(targets.gram);
        } else {
            gram = measured_gram();
        }
        FP4_ASSIGN(HessianFactor factor, factor_hessian(gram, cols_, compensation.order,
                                                        block_size(recipe_.format), compensation.damping));
        result_.damping = factor.damping;
        result_.damping_retries = factor.retries;
        if (factor.retries > 0) {
            result_.notes.push_back(concat("the Hessian was not positive definite: damping raised to ",
                                           factor.damping, " of its mean diagonal"));
        }
        return round_all(&factor, gram);
    }

    Result<void> fit_weights(const SiteTargets& targets) {
        const CompensationRecipe& compensation = recipe_.compensation;
        FP4_ASSIGN(auto fit, TargetFit::create(targets, cols_, compensation.damping));
        for (size_t i = 0; i < linears_.size(); ++i) {
            fit->move(*linears_[i].values, compensation.target_share, linears_[i].rows,
                      result_.linears[i].values);
        }
        return {};
    }

    std::vector<double> measured_gram() {
        std::vector<double> gram = statistics_.gram;
        if (!gram.empty() && !transform_.identity()) transform_gram(transform_, gram, work_.pool);
        return gram;
    }

    Result<void> round_all(const HessianFactor* factor, const std::vector<double>& gram) {
        for (size_t i = 0; i < linears_.size(); ++i) {
            QuantizedLinear& linear = result_.linears[i];
            if (!is_block(linear)) continue;
            std::vector<float> weights = linear.values;
            auto rounded = compensate(weights, linears_[i].rows, factor, gram, options(linear, !gram.empty()),
                                      work_.pool);
            if (!rounded.ok()) {
                return error(rounded.error().status, "tensor '", linear.tensor->name,
                             "': ", rounded.error().message);
            }
            linear.matrix = std::move(*rounded);
            if (linear.matrix.reference_power > 0 && !gram.empty())
                linear.relative_error = std::sqrt(linear.matrix.error / linear.matrix.reference_power);
        }
        return {};
    }

    CompensationOptions options(const QuantizedLinear& linear, bool has_gram) const {
        const CompensationRecipe& compensation = recipe_.compensation;
        CompensationOptions options;
        options.format = linear.encoding.block;
        options.method = recipe_.scale;
        options.rule = recipe_.rule;
        // A tensor in another format than the recipe's takes the rule that every format has.
        if (!check_scale_method(options.method, options.format, options.rule).ok()) {
            options.method = ScaleMethod::rule;
            options.rule = ScaleRule::mse;
        }
        options.weigh_by_hessian = has_gram && compensation.enabled && compensation.hessian_scales;
        options.scale_time = compensation.scales_in_loop ? ScaleTime::in_loop : ScaleTime::fixed;
        options.refine_sweeps = has_gram && compensation.enabled ? compensation.sweeps : 0;
        return options;
    }

    LayerWork& work_;
    const Recipe& recipe_;
    std::span<const SourceLinear> linears_;
    size_t cols_;
    SiteStatistics statistics_;
    SiteTransform transform_;
    QuantizedSite result_;
};

} // namespace

Result<QuantizedSite> quantize_site(LayerWork& work, Site site, std::span<const SourceLinear> linears) {
    return SiteQuantizer(work, site, linears).run();
}

} // namespace fp4
