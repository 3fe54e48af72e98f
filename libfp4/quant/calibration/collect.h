// Statistics of a site's inputs over all calibration sequences.
#pragma once

#include "libfp4/quant/calibration/layer_walk.h"
#include "libfp4/quant/site_statistics.h"

namespace fp4 {

// Of the plain inputs, with about sample_rows tokens to keep.
Result<SiteStatistics> collect_statistics(LayerWalk& walk, Backend& backend, Site site, size_t sample_rows,
                                          const WalkProgress& progress);

// Largest magnitude of the transformed inputs.
Result<float> collect_transformed_amax(LayerWalk& walk, Backend& backend, Site site,
                                       const WalkProgress& progress);

// What the linears of a site have to reproduce: means over tokens, with u the input as they get it
// (transformed and rounded) and y the plain input of the original model.
struct SiteTargets {
    std::vector<double> gram;  // [K, K]: u^T u
    std::vector<double> cross; // [K, K]: u^T y
};
// original: the walk of the original model at the same place, or null: y is then the quantized model's plain
// input.
Result<SiteTargets> collect_targets(LayerWalk& walk, LayerWalk* original, Backend& backend, Site site,
                                    const WalkProgress& progress);

} // namespace fp4
