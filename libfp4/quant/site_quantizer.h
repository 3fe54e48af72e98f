// The linears of one site: transform chosen, weights transformed, fitted, rounded with error compensation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libfp4/model/input_sites.h"
#include "libfp4/quant/calibration/layer_walk.h"
#include "libfp4/quant/compensation/compensate.h"
#include "libfp4/quant/layer_source.h"
#include "libfp4/quant/learned_transforms.h"
#include "libfp4/quant/recipe/recipe.h"
#include "libfp4/quant/site_statistics.h"

namespace fp4 {

struct QuantizedLinear {
    const SourceTensor* tensor = nullptr;
    TensorEncoding encoding;
    CompensatedMatrix matrix;   // encoding.kind == block
    std::vector<float> values;  // plain: transformed, [rows, cols]
    double relative_error = -1; // of the outputs, root of error over power; < 0: not measured
};

struct TransformCandidate {
    TransformRecipe recipe;
    double error = 0; // output_error.h
};

struct QuantizedSite {
    Site site = Site::qkv;
    SiteDefinition definition;
    std::vector<QuantizedLinear> linears;
    double damping = 0; // that the compensation needed
    uint32_t damping_retries = 0;
    std::vector<TransformCandidate> candidates; // where the recipe leaves a choice
    size_t chosen = 0;                          // of the candidates
    std::vector<std::string> notes;             // what was done otherwise than the recipe asks
};

// What quantizing a layer has at hand. Without calibration the walks are null.
struct LayerWork {
    const Recipe& recipe;
    Backend& backend;
    ThreadPool& pool;
    LayerWalk* walk = nullptr;     // the quantized model so far
    LayerWalk* original = nullptr; // the original model, for Target::model
    LayerWeights* weights = nullptr;
    const LearnedTransforms* learned = nullptr;
    uint32_t layer = 0;
    WalkProgress progress;
};

// Puts the quantized linears, the transform and the rounding into work.weights.
Result<QuantizedSite> quantize_site(LayerWork& work, Site site, std::span<const SourceLinear> linears);

} // namespace fp4
