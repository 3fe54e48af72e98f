// Recipes as documents: defaults, presets, round trips, and messages that name the key.
#include "libfp4/quant/recipe/recipe.h"

#include <doctest/doctest.h>

#include "libfp4/quant/recipe/names.h"

using namespace fp4;

namespace {

Recipe parse(std::string_view json) {
    auto recipe = parse_recipe(json, "r.json", std::nullopt);
    REQUIRE_MESSAGE(recipe.ok(), recipe.error().message);
    return *recipe;
}

std::string refusal(std::string_view json) {
    auto recipe = parse_recipe(json, "r.json", std::nullopt);
    REQUIRE(!recipe.ok());
    CHECK(recipe.error().message.starts_with("r.json"));
    return recipe.error().message;
}

} // namespace

TEST_CASE("an empty document is plain rounding") {
    const Recipe recipe = parse("{}");
    CHECK(recipe.is_plain());
    CHECK(!recipe.needs_calibration());
    CHECK(recipe.format == BlockFormat::mxfp4);
    CHECK(scale_name(recipe) == "mse");
}

TEST_CASE("the text of every preset reads back as the same recipe") {
    for (BlockFormat format : {BlockFormat::mxfp4, BlockFormat::nvfp4, BlockFormat::mxfp6_e2m3}) {
        for (std::string_view name : preset_names()) {
            CAPTURE(name);
            auto preset = preset_recipe(name, format);
            REQUIRE(preset.ok());
            CHECK(check_recipe(*preset).ok());
            const std::string text = recipe_to_json(*preset);
            CHECK(recipe_to_json(parse(text)) == text);
        }
    }
}

TEST_CASE("keys change what the preset says, format included") {
    const Recipe recipe =
        parse(R"({"preset": "mr-gptq", "format": "nvfp4", "name": "mine", "scale": "alternating",
        "activations": {"format": "none"}, "transforms": {"down": {"kind": "wush", "block": 64}},
        "tensors": [{"match": "*.o_proj.*", "format": "mxfp8-e4m3"}],
        "compensation": {"damping": 0.05, "sweeps": 3}, "calibration": {"sequences": 7, "length": 99}})");
    CHECK(recipe.name == "mine");
    CHECK(recipe.scale == ScaleMethod::alternating);
    CHECK(recipe.activations.kind == ActivationFormat::Kind::a16);
    CHECK(recipe.transform(Site::qkv).kind == TransformKind::hadamard);
    CHECK(recipe.transform(Site::qkv).block == 16); // NVFP4's own block
    CHECK(recipe.transform(Site::down).kind == TransformKind::wush);
    CHECK(recipe.transform(Site::down).block == 64);
    REQUIRE(recipe.tensors.size() == 1);
    CHECK(recipe.tensors[0].encoding.block == BlockFormat::mxfp8_e4m3);
    CHECK(recipe.compensation.enabled);
    CHECK(recipe.compensation.damping == 0.05);
    CHECK(recipe.compensation.sweeps == 3);
    CHECK(recipe.calibration.sequences == 7);
    CHECK(recipe.calibration.length == 99);
    auto forced = parse_recipe(R"({"preset": "mr-gptq", "format": "nvfp4"})", "r.json", BlockFormat::mxfp4);
    REQUIRE(forced.ok());
    CHECK(forced->format == BlockFormat::mxfp4);
    CHECK(forced->transform(Site::qkv).block == 32);
}

TEST_CASE("messages name the key") {
    const struct {
        const char* json;
        const char* part;
    } cases[] = {
        {R"({"preset": "gpqt"})", "r.json: preset: there is no recipe 'gpqt'; known are rtn"},
        {R"({"scales": "mse"})", "r.json: scales: there is no such key; known are"},
        {R"({"format": "mxfp5"})", "r.json: format: 'mxfp5'"},
        {R"({"scale": 3})", "r.json: scale: is not a text"},
        {R"({"scale": "best"})", "r.json: scale: is not a scale rule"},
        {R"({"scale": "amax"})", "amax"},
        {R"({"transform": []})", "r.json: transform: is not an object but array"},
        {R"({"transform": {"block": 48}})", "r.json: transform.block: is none of 16, 32, 64, 128"},
        {R"({"transform": {"block": 256}})", "r.json: transform.block: is not a whole number from 16 to 128"},
        {R"({"transform": {"kind": "fourier"}})", "r.json: transform.kind: 'fourier'"},
        {R"({"transforms": {"head": {}}})",
         "r.json: transforms.head: there is no such key; known are down, gate_up"},
        {R"({"transforms": {"o": {"alpha": 2}}})", "r.json: transforms.o.alpha: is not a number from 0 to 1"},
        {R"({"tensors": {}})", "r.json: tensors: is not a list"},
        {R"({"tensors": [{"match": "*", "format": "int4"}]})", "'int4'"},
        {R"({"activations": {"format": "int8"}})", "r.json: activations.format: 'int8'"},
        {R"({"activations": {"format": "mxfp4", "tensor_scale": "calibrated"}})", "is for nvfp4"},
        {R"({"activations": {"format": "mxfp4", "rule": "amax"}})",
         "activations.rule: 'amax' is not for activations in mxfp4"},
        {R"({"activations": {"format": "nvfp4", "rule": "even"}})",
         "activations.rule: 'even' is not for activations in nvfp4"},
        {R"({"compensation": {"method": "magic"}})", "r.json: compensation.method"},
        {R"({"compensation": {"sweeps": -1}})", "r.json: compensation.sweeps"},
        {R"({"compensation": {"damping": "much"}})", "r.json: compensation.damping"},
        {R"({"compensation": {"method": "gptq", "order": "diagonal", "scales_in_loop": true}})",
         "compensation.order"},
        {R"({"compensation": {"method": "gptq", "target": "model"}})", "needs rounded_inputs"},
        {R"({"calibration": {"sequences": 0}})", "r.json: calibration.sequences"},
        {R"({"choice": {"formats": ["mxfp4"]}})", "choice.bits_per_weight"},
        {R"({"choice": {"transforms": [{"kind": "x"}]}})", "r.json: choice.transforms.kind"},
        {"[]", "is not an object"},
        {"{", "r.json"},
    };
    for (const auto& wrong : cases) {
        CAPTURE(wrong.json);
        const std::string message = refusal(wrong.json);
        CHECK_MESSAGE(message.find(wrong.part) != std::string::npos, message);
    }
}
