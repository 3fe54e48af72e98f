// The words of recipes.
#pragma once

#include <optional>
#include <string_view>

#include "libfp4/quant/recipe/recipe.h"

namespace fp4 {

std::string_view smoothing_name(Smoothing smoothing);
std::optional<Smoothing> parse_smoothing(std::string_view name);
std::string_view order_name(Order order);
std::optional<Order> parse_order(std::string_view name);
std::string_view target_name(Target target);
std::optional<Target> parse_target(std::string_view name);
std::string_view activation_name(ActivationFormat::Kind kind); // "none" for a16
std::optional<ActivationFormat::Kind> parse_activation(std::string_view name);

// Scale methods and rules together: "mse", "even", "alternating", "fpquant-mse" ...
std::string_view scale_name(const Recipe& recipe);
bool parse_scale(std::string_view name, Recipe& recipe);

} // namespace fp4
