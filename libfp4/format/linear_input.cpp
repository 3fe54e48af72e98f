#include "libfp4/format/linear_input.h"

#include "libfp4/format/scale_rule.h"

namespace fp4 {
namespace {

using Kind = ActivationFormat::Kind;

} // namespace

std::optional<BlockFormat> activation_block_format(Kind kind) {
    switch (kind) {
        case Kind::a16:
            return std::nullopt;
        case Kind::mxint8:
            return BlockFormat::mxint8;
        case Kind::mxfp8_e4m3:
            return BlockFormat::mxfp8_e4m3;
        case Kind::mxfp4:
            return BlockFormat::mxfp4;
        case Kind::nvfp4:
            return BlockFormat::nvfp4;
    }
    return std::nullopt;
}

ScaleRule activation_rule(const ActivationFormat& format) {
    const auto block = activation_block_format(format.kind);
    return block && !scale_rule_applies(*block, format.rule) ? ScaleRule::amax : format.rule;
}

bool scales_by_token(const ActivationFormat& format) {
    const auto block = activation_block_format(format.kind);
    return block && tensor_scale_target(*block, activation_rule(format)) != 0 &&
           (format.kind != Kind::nvfp4 || format.tensor_scale == 0.0f);
}

float activation_tensor_scale(const ActivationFormat& format, float amax) {
    const auto block = activation_block_format(format.kind);
    if (!block) return 1.0f;
    if (format.kind == Kind::nvfp4 && format.tensor_scale != 0.0f) return format.tensor_scale;
    return tensor_scale_for(*block, activation_rule(format), amax);
}

std::string_view activation_kind_name(Kind kind) {
    const auto block = activation_block_format(kind);
    return block ? block_format_name(*block) : "a16";
}

std::optional<Kind> parse_activation_kind(std::string_view name) {
    for (Kind kind : {Kind::a16, Kind::mxint8, Kind::mxfp8_e4m3, Kind::mxfp4, Kind::nvfp4})
        if (activation_kind_name(kind) == name) return kind;
    return std::nullopt;
}

} // namespace fp4
