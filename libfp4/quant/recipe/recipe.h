// How a model is quantized, as one document: formats, scales, transforms, error compensation, calibration.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/engine/input_site.h"
#include "libfp4/quant/compensation/factor.h"
#include "libfp4/quant/compensation/scale_method.h"
#include "libfp4/quant/tensor_rules.h"
#include "libfp4/quant/transform/block_transforms.h"

namespace fp4 {

// Inputs divided and weights multiplied channel by channel, before the block transform.
enum class Smoothing : uint8_t {
    none,
    smoothquant, // max|x|^alpha / max|W|^(1 - alpha)
    awq,         // mean|x|^r, r by search
};

struct TransformRecipe {
    TransformKind kind = TransformKind::identity;
    uint32_t block = 32;
    Smoothing smoothing = Smoothing::none;
    double alpha = 0.5;                 // smoothquant
    uint32_t steps = 128;               // duquant++: greedy steps
    uint64_t seed = 0;                  // random kinds
    std::optional<BlockFormat> storage; // what matrices are rounded to in the file; nullopt: float32
};

struct ActivationRecipe {
    ActivationFormat::Kind kind = ActivationFormat::Kind::a16; // a16: weights only
    ScaleRule rule = ScaleRule::even;
    bool calibrated_tensor_scale = false; // nvfp4: one for all tokens instead of one per token
};

ScaleRule default_activation_rule(ActivationFormat::Kind kind); // even, ceil at 8 bits, amax for nvfp4

// What the rounded weights should reproduce.
enum class Target : uint8_t {
    weights, // the weights' own product with the inputs (GPTQ)
    layer,   // the layer's product with unrounded inputs: also makes up for rounded activations
    model,   // the product in the original model: also makes up for all earlier layers
};

struct CompensationRecipe {
    bool enabled = false;
    Order order = Order::natural;
    bool scales_in_loop = false; // block scales chosen after error feedback instead of beforehand
    bool hessian_scales = false; // scale search weighted by the Hessian
    bool rounded_inputs = false; // Hessian of rounded inputs instead of unrounded ones
    Target target = Target::weights;
    double target_share = 0.5; // how far the weights move towards the target's fit
    double damping = 0.01;
    uint32_t sweeps = 0; // of coordinate descent afterwards
};

struct CalibrationRecipe {
    uint32_t sequences = 128;
    uint32_t length = 512;
};

// Choices made by measured output error.
struct ChoiceRecipe {
    std::vector<TransformRecipe> transforms; // candidates of every site; empty: no choice
    std::vector<BlockFormat> formats;        // candidates of every site, by bits; empty: no choice
    double bits_per_weight = 0;              // of the layers' linears, with formats
};

struct Recipe {
    std::string name = "rtn";
    BlockFormat format = BlockFormat::mxfp4;
    ScaleMethod scale = ScaleMethod::rule;
    ScaleRule rule = ScaleRule::mse; // with ScaleMethod::rule
    std::vector<KeepRule> tensors;
    ActivationRecipe activations;
    std::array<TransformRecipe, 4> transforms; // by Site
    std::string learned_transforms;            // learned_transforms.h: a path, its sites come first
    bool global_rotation = false;              // QuaRot's, merged into the weights
    CompensationRecipe compensation;
    CalibrationRecipe calibration;
    ChoiceRecipe choice;

    const TransformRecipe& transform(Site site) const { return transforms[static_cast<size_t>(site)]; }
    // Whether inputs have to be known, and so a calibration text is needed.
    bool needs_calibration() const;
    // Whether the layers' linears are rounded one by one as they are stored.
    bool is_plain() const;
};

// Names for --recipe and the document's "preset": rtn, rtn-hadamard, gptq, mr-gptq ...
std::vector<std::string_view> preset_names();
// The preset for a weight format. Status::not_found lists the names.
Result<Recipe> preset_recipe(std::string_view name, BlockFormat format);

// A document (schema: README.md of this folder). Every message names the key. "preset" is the start that the
// other keys change; without it that is rtn. `format`, where given, beats the document's. `what` names the
// document.
Result<Recipe> parse_recipe(std::string_view json, std::string_view what, std::optional<BlockFormat> format);

// Complete and canonical: the same recipe gives the same text.
std::string recipe_to_json(const Recipe& recipe);

// What a caller names: a preset, or a document (which begins with a brace).
Result<Recipe> read_recipe(std::string_view preset_or_document, std::optional<BlockFormat> format);

// Activations by a word that overrides the recipe's: "none", "mxfp4" ...
Result<void> set_activations(Recipe& recipe, std::string_view name);

// Whether its parts fit together.
Result<void> check_recipe(const Recipe& recipe);

} // namespace fp4
