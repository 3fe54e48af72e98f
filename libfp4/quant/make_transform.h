// The transform a recipe asks for, made for one site.
#pragma once

#include <string>
#include <vector>

#include "libfp4/quant/layer_source.h"
#include "libfp4/quant/recipe/recipe.h"
#include "libfp4/quant/site_statistics.h"
#include "libfp4/quant/transform/site_transform.h"

namespace fp4 {

bool needs_statistics(const TransformRecipe& recipe);

// statistics: null where the recipe needs none. A block that does not divide the channels is replaced by the
// largest that does, or by the identity; `notes` says so.
Result<SiteTransform> make_transform(const TransformRecipe& recipe, BlockFormat format,
                                     const SiteStatistics* statistics, std::span<const SourceLinear> linears,
                                     ThreadPool& pool, std::vector<std::string>& notes);

} // namespace fp4
