// Numeric paths: what weights and activations of the linear layers are multiplied as.
#pragma once

#include <optional>
#include <string>

#include "libfp4/engine/backend.h"

namespace fp4 {

// Same numbers as FP4_PATH_* in api/fp4.h.
enum class Path : int32_t { automatic = 0, w16a16 = 1, w4a16 = 2, w4a8 = 3, w4a4 = 4 };

const char* path_name(Path path); // "auto", "w4a16" ...

// The rounding of activations that a path means for one weight format. Plain weights are never rounded
// against.
ActivationFormat activation_for(Path path, WeightFormat weight, const Backend& backend);

// One site's format: weights that share an input must agree, else the input stays unrounded. `intended` is
// what the weights were quantized for; it is taken on the path of its width.
ActivationFormat activation_for(Path path, std::span<const Weight* const> weights,
                                const std::optional<ActivationFormat>& intended, const Backend& backend);

// What "auto" means: the fastest path without visible loss for weights of this format.
Path automatic_path(WeightFormat most_weights, const Backend& backend);

// Whether a model whose linear weights are (or are not) microscaling can run a path.
Result<void> check_path(Path path, WeightFormat most_weights);

// In words, for reports: "mxfp4 x mxint8".
std::string path_description(Path path, WeightFormat weight, const Backend& backend);

} // namespace fp4
