// The published methods as recipes, and ours.
#include "libfp4/quant/recipe/recipe.h"

namespace fp4 {
namespace {

using Kind = ActivationFormat::Kind;

void set_transform(Recipe& recipe, TransformKind kind, uint32_t block) {
    for (TransformRecipe& transform : recipe.transforms) {
        transform.kind = kind;
        transform.block = block;
    }
}

void set_smoothing(Recipe& recipe, Smoothing smoothing, double alpha) {
    for (TransformRecipe& transform : recipe.transforms) {
        transform.smoothing = smoothing;
        transform.alpha = alpha;
    }
}

// Rotations as large as a block: larger ones spread outliers over blocks that had none.
uint32_t rotation_block(BlockFormat format) {
    return format == BlockFormat::nvfp4 ? 16 : 32;
}

// Activations as wide as the weights. Plain rounding leaves them to the path that the model is run on.
void round_activations(Recipe& recipe) {
    const Kind kind = recipe.format == BlockFormat::mxfp4   ? Kind::mxfp4
                      : recipe.format == BlockFormat::nvfp4 ? Kind::nvfp4
                                                            : Kind::mxfp8_e4m3;
    recipe.activations = {kind, default_activation_rule(kind)};
}

void rtn(Recipe& recipe) {
    recipe.activations = {};
}

void rtn_hadamard(Recipe& recipe) {
    set_transform(recipe, TransformKind::hadamard, rotation_block(recipe.format));
}

void gptq(Recipe& recipe) {
    recipe.compensation.enabled = true;
}

// arXiv 2509.23202, section 4 and appendix A.
void mr_gptq(Recipe& recipe) {
    rtn_hadamard(recipe);
    recipe.compensation.enabled = true;
    recipe.compensation.order = Order::diagonal;
}

// arXiv 2604.17789: smoothing 0.6, then a greedy rotation of 32 channels, shared by all blocks.
void duquant(Recipe& recipe) {
    set_transform(recipe, TransformKind::duquant, 32);
    set_smoothing(recipe, Smoothing::smoothquant, 0.6);
}

void duquant_gptq(Recipe& recipe) {
    duquant(recipe);
    recipe.compensation.enabled = true;
    recipe.compensation.scales_in_loop = true;
    recipe.compensation.rounded_inputs = true;
}

void smooth_hadamard(Recipe& recipe) {
    set_transform(recipe, TransformKind::hadamard, 32);
    set_smoothing(recipe, Smoothing::smoothquant, 0.6);
}

void awq(Recipe& recipe) {
    set_smoothing(recipe, Smoothing::awq, 0.5);
}

void smoothquant(Recipe& recipe) {
    set_smoothing(recipe, Smoothing::smoothquant, 0.5);
}

// arXiv 2404.00456: rotations merged into the weights, and a Hadamard transform before down_proj.
void quarot(Recipe& recipe) {
    recipe.global_rotation = true;
    TransformRecipe& down = recipe.transforms[static_cast<size_t>(Site::down)];
    down.kind = TransformKind::hadamard;
    down.block = 128;
}

// Everything measured to help on books-30M (README.md of the quant room).
void best(Recipe& recipe) {
    const TransformRecipe plain;
    TransformRecipe rotation, wush;
    rotation.kind = TransformKind::hadamard;
    rotation.block = rotation_block(recipe.format);
    wush.kind = TransformKind::wush;
    wush.block = 128;
    wush.storage = BlockFormat::mxfp4;
    recipe.choice.transforms = {plain, rotation, wush};
    CompensationRecipe& compensation = recipe.compensation;
    compensation.enabled = true;
    compensation.order = Order::diagonal;
    compensation.hessian_scales = true;
    compensation.rounded_inputs = true;
    compensation.target = Target::model;
    compensation.target_share = 0.4;
    compensation.sweeps = 4;
    if (recipe.format == BlockFormat::nvfp4) recipe.activations.rule = ScaleRule::mse;
}

struct Preset {
    std::string_view name;
    void (*apply)(Recipe&);
};
constexpr Preset presets[] = {
    {"rtn", rtn},
    {"rtn-hadamard", rtn_hadamard},
    {"gptq", gptq},
    {"mr-gptq", mr_gptq},
    {"duquant++", duquant},
    {"duquant++gptq", duquant_gptq},
    {"smooth-hadamard", smooth_hadamard},
    {"awq", awq},
    {"smoothquant", smoothquant},
    {"quarot", quarot},
    {"best", best},
};

} // namespace

ScaleRule default_activation_rule(Kind kind) {
    switch (kind) {
        case Kind::nvfp4:
            return ScaleRule::amax;
        case Kind::mxint8:
        case Kind::mxfp8_e4m3:
            return ScaleRule::ceil;
        default:
            return ScaleRule::even;
    }
}

std::vector<std::string_view> preset_names() {
    std::vector<std::string_view> names;
    for (const Preset& preset : presets) names.push_back(preset.name);
    return names;
}

Result<Recipe> preset_recipe(std::string_view name, BlockFormat format) {
    for (const Preset& preset : presets) {
        if (preset.name != name) continue;
        Recipe recipe;
        recipe.name = std::string(name);
        recipe.format = format;
        round_activations(recipe);
        preset.apply(recipe);
        return recipe;
    }
    std::string known;
    for (const Preset& preset : presets) known.append(known.empty() ? "" : ", ").append(preset.name);
    return error(Status::not_found, "there is no recipe '", name, "'; known are ", known,
                 ", or the path of a JSON document");
}

bool Recipe::is_plain() const {
    bool plain = scale == ScaleMethod::rule && activations.kind == ActivationFormat::Kind::a16 &&
                 !compensation.enabled && !global_rotation && learned_transforms.empty() &&
                 !activations.calibrated_tensor_scale && choice.transforms.empty() && choice.formats.empty();
    for (const TransformRecipe& transform : transforms) {
        plain &= transform.kind == TransformKind::identity && transform.smoothing == Smoothing::none;
    }
    return plain;
}

bool Recipe::needs_calibration() const {
    bool needs = compensation.enabled || activations.calibrated_tensor_scale || !choice.transforms.empty() ||
                 !choice.formats.empty();
    for (const TransformRecipe& transform : transforms) {
        needs |= needs_statistics(transform.kind) || transform.smoothing != Smoothing::none;
    }
    return needs;
}

} // namespace fp4
