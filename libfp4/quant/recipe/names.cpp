#include "libfp4/quant/recipe/names.h"

#include <span>

namespace fp4 {
namespace {

template <class Value>
struct Word {
    Value value;
    std::string_view name;
};

constexpr Word<Smoothing> smoothings[] = {
    {Smoothing::none, "none"}, {Smoothing::smoothquant, "smoothquant"}, {Smoothing::awq, "awq"}};
constexpr Word<Order> orders[] = {
    {Order::natural, "natural"}, {Order::diagonal, "diagonal"}, {Order::group, "group"}};
constexpr Word<Target> targets[] = {
    {Target::weights, "weights"}, {Target::layer, "layer"}, {Target::model, "model"}};
constexpr Word<ScaleMethod> methods[] = {{ScaleMethod::alternating, "alternating"},
                                         {ScaleMethod::fpquant, "fpquant"},
                                         {ScaleMethod::fpquant_mse, "fpquant-mse"}};

template <class Value>
std::string_view name_of(std::span<const Word<Value>> words, Value value) {
    for (const Word<Value>& word : words)
        if (word.value == value) return word.name;
    return "unknown";
}

template <class Value>
std::optional<Value> value_of(std::span<const Word<Value>> words, std::string_view name) {
    for (const Word<Value>& word : words)
        if (word.name == name) return word.value;
    return std::nullopt;
}

} // namespace

std::string_view smoothing_name(Smoothing smoothing) {
    return name_of<Smoothing>(smoothings, smoothing);
}
std::optional<Smoothing> parse_smoothing(std::string_view name) {
    return value_of<Smoothing>(smoothings, name);
}
std::string_view order_name(Order order) {
    return name_of<Order>(orders, order);
}
std::optional<Order> parse_order(std::string_view name) {
    return value_of<Order>(orders, name);
}
std::string_view target_name(Target target) {
    return name_of<Target>(targets, target);
}
std::optional<Target> parse_target(std::string_view name) {
    return value_of<Target>(targets, name);
}
std::string_view activation_name(ActivationFormat::Kind kind) {
    return kind == ActivationFormat::Kind::a16 ? "none" : activation_kind_name(kind);
}
std::optional<ActivationFormat::Kind> parse_activation(std::string_view name) {
    if (name == "none") return ActivationFormat::Kind::a16;
    return parse_activation_kind(name);
}

std::string_view scale_name(const Recipe& recipe) {
    if (recipe.scale == ScaleMethod::rule) return scale_rule_name(recipe.rule);
    return name_of<ScaleMethod>(methods, recipe.scale);
}

bool parse_scale(std::string_view name, Recipe& recipe) {
    if (auto rule = parse_scale_rule(name)) {
        recipe.scale = ScaleMethod::rule;
        recipe.rule = *rule;
        return true;
    }
    auto method = value_of<ScaleMethod>(methods, name);
    if (method) recipe.scale = *method;
    return method.has_value();
}

} // namespace fp4
