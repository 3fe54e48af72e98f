#include <string>

#include "libfp4/io/json_writer.h"
#include "libfp4/quant/recipe/names.h"
#include "libfp4/quant/recipe/object_reader.h"

namespace fp4 {
namespace {

Result<TransformRecipe> read_transform(const JsonValue& value, const std::string& path,
                                       TransformRecipe transform) {
    ObjectReader reader(value, path);
    reader.word("kind", transform.kind, parse_transform);
    reader.integer("block", 16, 128, transform.block);
    reader.word("smoothing", transform.smoothing, parse_smoothing);
    reader.number("alpha", 0, 1, transform.alpha);
    reader.integer("steps", 1, 4096, transform.steps);
    uint32_t seed = static_cast<uint32_t>(transform.seed);
    reader.integer("seed", 0, UINT32_MAX, seed);
    transform.seed = seed;
    std::string storage;
    reader.text("storage", storage);
    if (!storage.empty()) transform.storage = parse_block_format(storage);
    // NVFP4's tensor scale would change when rounded numbers are rounded again.
    if (transform.storage ? *transform.storage == BlockFormat::nvfp4 : !storage.empty() && storage != "f32")
        reader.fail("storage", "is neither \"f32\" nor an MX format");
    if ((transform.block & (transform.block - 1)) != 0) reader.fail("block", "is none of 16, 32, 64, 128");
    FP4_TRY(reader.finish());
    return transform;
}

Result<void> read_transforms(ObjectReader& reader, Recipe& recipe) {
    if (const JsonValue* every = reader.member("transform")) {
        for (TransformRecipe& transform : recipe.transforms) {
            FP4_ASSIGN(transform, read_transform(*every, reader.path_of("transform"), transform));
        }
    }
    const JsonValue* sites = reader.member("transforms");
    if (!sites) return {};
    ObjectReader by_site(*sites, reader.path_of("transforms"));
    for (Site site : all_sites) {
        const JsonValue* value = by_site.member(site_name(site));
        if (!value) continue;
        TransformRecipe& transform = recipe.transforms[static_cast<size_t>(site)];
        FP4_ASSIGN(transform, read_transform(*value, by_site.path_of(site_name(site)), transform));
    }
    return by_site.finish();
}

Result<void> read_tensors(ObjectReader& reader, Recipe& recipe) {
    const JsonValue* list = reader.member("tensors");
    if (!list) return {};
    const std::string path = reader.path_of("tensors");
    if (!list->array()) return error(Status::argument, path, ": is not a list");
    recipe.tensors.clear();
    for (const JsonValue& item : *list->array()) {
        ObjectReader rule(item, path);
        std::string match, format;
        rule.text("match", match);
        rule.text("format", format);
        FP4_TRY(rule.finish());
        auto parsed = parse_keep_rule(concat(match, "=", format));
        if (!parsed.ok()) return error(Status::argument, path, ": ", parsed.error().message);
        recipe.tensors.push_back(std::move(*parsed));
    }
    return {};
}

Result<void> read_activations(ObjectReader& reader, Recipe& recipe) {
    const JsonValue* value = reader.member("activations");
    if (!value) return {};
    ObjectReader activations(*value, reader.path_of("activations"));
    ActivationRecipe& target = recipe.activations;
    const ActivationFormat::Kind preset = target.kind;
    activations.word("format", target.kind, parse_activation);
    if (target.kind != preset) target.rule = default_activation_rule(target.kind);
    activations.word("rule", target.rule, parse_scale_rule);
    std::string tensor_scale;
    activations.text("tensor_scale", tensor_scale);
    if (!tensor_scale.empty()) {
        target.calibrated_tensor_scale = tensor_scale == "calibrated";
        if (tensor_scale != "calibrated" && tensor_scale != "token")
            activations.fail("tensor_scale", "is neither \"token\" nor \"calibrated\"");
    }
    return activations.finish();
}

Result<void> read_compensation(ObjectReader& reader, Recipe& recipe) {
    const JsonValue* value = reader.member("compensation");
    if (!value) return {};
    ObjectReader compensation(*value, reader.path_of("compensation"));
    CompensationRecipe& target = recipe.compensation;
    std::string method;
    compensation.text("method", method);
    if (!method.empty()) {
        target.enabled = method == "gptq";
        if (method != "gptq" && method != "none")
            compensation.fail("method", "is neither \"gptq\" nor \"none\"");
    }
    compensation.word("order", target.order, parse_order);
    compensation.boolean("scales_in_loop", target.scales_in_loop);
    compensation.boolean("hessian_scales", target.hessian_scales);
    compensation.boolean("rounded_inputs", target.rounded_inputs);
    compensation.word("target", target.target, parse_target);
    compensation.number("target_share", 0, 1, target.target_share);
    compensation.number("damping", 0, 10, target.damping);
    compensation.integer("sweeps", 0, 100, target.sweeps);
    return compensation.finish();
}

Result<void> read_calibration(ObjectReader& reader, Recipe& recipe) {
    const JsonValue* value = reader.member("calibration");
    if (!value) return {};
    ObjectReader calibration(*value, reader.path_of("calibration"));
    calibration.integer("sequences", 1, 1u << 20, recipe.calibration.sequences);
    calibration.integer("length", 8, 1u << 20, recipe.calibration.length);
    return calibration.finish();
}

Result<void> read_choice(ObjectReader& reader, Recipe& recipe) {
    const JsonValue* value = reader.member("choice");
    if (!value) return {};
    const std::string path = reader.path_of("choice");
    ObjectReader choice(*value, path);
    ChoiceRecipe& target = recipe.choice;
    if (const JsonValue* list = choice.member("transforms")) {
        if (!list->array()) return error(Status::argument, path, ".transforms: is not a list");
        target.transforms.clear();
        for (const JsonValue& item : *list->array()) {
            FP4_ASSIGN(TransformRecipe transform, read_transform(item, path + ".transforms", {}));
            target.transforms.push_back(transform);
        }
    }
    if (const JsonValue* list = choice.member("formats")) {
        if (!list->array()) return error(Status::argument, path, ".formats: is not a list");
        target.formats.clear();
        for (const JsonValue& item : *list->array()) {
            auto format = item.string() ? parse_block_format(*item.string()) : std::nullopt;
            if (!format) return error(Status::argument, path, ".formats: holds what is not a block format");
            target.formats.push_back(*format);
        }
    }
    choice.number("bits_per_weight", 4, 9, target.bits_per_weight);
    return choice.finish();
}

void write_transform(JsonWriter& json, const TransformRecipe& transform) {
    json.begin_object();
    json.member("kind", transform_name(transform.kind));
    json.member("block", uint64_t(transform.block));
    json.member("smoothing", smoothing_name(transform.smoothing));
    json.member("alpha", transform.alpha);
    json.member("steps", uint64_t(transform.steps));
    json.member("seed", transform.seed);
    if (transform.storage) json.member("storage", block_format_name(*transform.storage));
    json.end_object();
}

void write_choice(JsonWriter& json, const ChoiceRecipe& choice) {
    json.key("choice");
    json.begin_object();
    json.key("transforms");
    json.begin_array();
    for (const TransformRecipe& transform : choice.transforms) write_transform(json, transform);
    json.end_array();
    json.key("formats");
    json.begin_array();
    for (BlockFormat format : choice.formats) json.value(block_format_name(format));
    json.end_array();
    if (choice.bits_per_weight > 0) json.member("bits_per_weight", choice.bits_per_weight);
    json.end_object();
}

} // namespace

Result<Recipe> parse_recipe(std::string_view json, std::string_view what, std::optional<BlockFormat> format) {
    FP4_ASSIGN(JsonValue document, parse_json(json, what));
    ObjectReader reader(document, concat(what, ":"));
    std::string preset = "rtn";
    reader.text("preset", preset);
    BlockFormat stated = BlockFormat::mxfp4;
    reader.word("format", stated, parse_block_format);
    auto start = preset_recipe(preset, format.value_or(stated));
    if (!start.ok()) return error(Status::argument, reader.path_of("preset"), ": ", start.error().message);
    Recipe recipe = std::move(*start);
    reader.text("name", recipe.name);
    std::string scale;
    reader.text("scale", scale);
    if (!scale.empty() && !parse_scale(scale, recipe)) reader.fail("scale", "is not a scale rule or method");
    reader.boolean("global_rotation", recipe.global_rotation);
    reader.text("learned_transforms", recipe.learned_transforms);
    FP4_TRY(read_tensors(reader, recipe));
    FP4_TRY(read_activations(reader, recipe));
    FP4_TRY(read_transforms(reader, recipe));
    FP4_TRY(read_compensation(reader, recipe));
    FP4_TRY(read_calibration(reader, recipe));
    FP4_TRY(read_choice(reader, recipe));
    FP4_TRY(reader.finish());
    auto checked = check_recipe(recipe);
    if (!checked.ok()) return error(checked.error().status, what, ": ", checked.error().message);
    return recipe;
}

Result<Recipe> read_recipe(std::string_view preset_or_document, std::optional<BlockFormat> format) {
    const size_t first = preset_or_document.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && preset_or_document[first] == '{')
        return parse_recipe(preset_or_document, "recipe", format);
    return preset_recipe(preset_or_document, format.value_or(BlockFormat::mxfp4));
}

Result<void> set_activations(Recipe& recipe, std::string_view name) {
    auto kind = parse_activation(name);
    if (!kind) {
        return error(Status::argument, "activations '", name,
                     "' are none of none, mxint8, mxfp8-e4m3, mxfp4, nvfp4");
    }
    ActivationRecipe& activations = recipe.activations;
    if (*kind == activations.kind) return {};
    activations = {*kind, default_activation_rule(*kind)};
    return {};
}

std::string recipe_to_json(const Recipe& recipe) {
    JsonWriter json;
    json.begin_object();
    json.member("name", recipe.name);
    json.member("format", block_format_name(recipe.format));
    json.member("scale", scale_name(recipe));
    json.key("tensors");
    json.begin_array();
    for (const KeepRule& rule : recipe.tensors) {
        json.begin_object();
        json.member("match", rule.pattern);
        json.member("format", rule.source ? std::string("source") : encoding_name(rule.encoding));
        json.end_object();
    }
    json.end_array();
    json.key("activations");
    json.begin_object();
    json.member("format", activation_name(recipe.activations.kind));
    json.member("rule", scale_rule_name(recipe.activations.rule));
    json.member("tensor_scale", recipe.activations.calibrated_tensor_scale ? "calibrated" : "token");
    json.end_object();
    json.key("transforms");
    json.begin_object();
    for (Site site : all_sites) {
        json.key(site_name(site));
        write_transform(json, recipe.transform(site));
    }
    json.end_object();
    if (!recipe.learned_transforms.empty()) json.member("learned_transforms", recipe.learned_transforms);
    json.member("global_rotation", recipe.global_rotation);
    const CompensationRecipe& compensation = recipe.compensation;
    json.key("compensation");
    json.begin_object();
    json.member("method", compensation.enabled ? "gptq" : "none");
    json.member("order", order_name(compensation.order));
    json.member("scales_in_loop", compensation.scales_in_loop);
    json.member("hessian_scales", compensation.hessian_scales);
    json.member("rounded_inputs", compensation.rounded_inputs);
    json.member("target", target_name(compensation.target));
    json.member("target_share", compensation.target_share);
    json.member("damping", compensation.damping);
    json.member("sweeps", uint64_t(compensation.sweeps));
    json.end_object();
    json.key("calibration");
    json.begin_object();
    json.member("sequences", uint64_t(recipe.calibration.sequences));
    json.member("length", uint64_t(recipe.calibration.length));
    json.end_object();
    write_choice(json, recipe.choice);
    json.end_object();
    return json.take();
}

Result<void> check_recipe(const Recipe& recipe) {
    FP4_TRY(check_scale_method(recipe.scale, recipe.format, recipe.rule));
    const CompensationRecipe& compensation = recipe.compensation;
    if (compensation.enabled && compensation.scales_in_loop && compensation.order == Order::diagonal) {
        return error(Status::argument,
                     "compensation.order: \"diagonal\" takes the columns of a block apart; use "
                     "\"group\" or \"natural\" with scales_in_loop");
    }
    if (compensation.target != Target::weights && !compensation.rounded_inputs) {
        return error(Status::argument, "compensation.target: \"", target_name(compensation.target),
                     "\" needs rounded_inputs");
    }
    const ActivationRecipe& activations = recipe.activations;
    const bool nvfp4 = activations.kind == ActivationFormat::Kind::nvfp4;
    if (activations.calibrated_tensor_scale && !nvfp4)
        return error(Status::argument, "activations.tensor_scale: \"calibrated\" is for nvfp4");
    const auto block = activation_block_format(activations.kind);
    if (block && !scale_rule_applies(*block, activations.rule)) {
        return error(Status::argument, "activations.rule: '", scale_rule_name(activations.rule),
                     "' is not for activations in ", activation_name(activations.kind));
    }
    if (!recipe.choice.formats.empty() && recipe.choice.bits_per_weight == 0)
        return error(Status::argument, "choice.formats: needs choice.bits_per_weight, the budget");
    return {};
}

} // namespace fp4
