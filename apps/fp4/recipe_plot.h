#pragma once

#include <string>
#include <vector>

#include "recipe_rows.h"

namespace fp4::program {

/// KL divergence and perplexity against bits per weight of the layers' linears, as an SVG document. Colours
/// tell formats, markers tell paths, labels name recipes.
std::string rows_to_svg(const std::vector<RecipeRow>& rows, const std::string& title);

} // namespace fp4::program
