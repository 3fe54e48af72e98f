#include "libfp4/engine/path.h"

namespace fp4 {
namespace {

using Kind = ActivationFormat::Kind;

std::string_view format_name(const ActivationFormat& format) {
    if (format.kind == Kind::a16) return "unrounded";
    return format.rule == ScaleRule::tensor ? "fp8-e4m3" : activation_kind_name(format.kind);
}

int activation_bits(Kind kind) {
    switch (kind) {
        case Kind::a16:
            return 16;
        case Kind::mxint8:
        case Kind::mxfp8_e4m3:
            return 8;
        case Kind::mxfp4:
        case Kind::nvfp4:
            return 4;
    }
    return 16;
}

ActivationFormat eight_bit(WeightFormat weight, const Backend& backend) {
    ActivationFormat integer{Kind::mxint8, ScaleRule::ceil};
    ActivationFormat floating{Kind::mxfp8_e4m3, backend.e4m3_rule()};
    bool integer_first =
        backend.linear_support(weight, integer).fast || !backend.linear_support(weight, floating).supported;
    return integer_first ? integer : floating;
}

} // namespace

std::string_view weight_format_name(WeightFormat format) {
    switch (format) {
        case WeightFormat::f32:
            return "f32";
        case WeightFormat::f16:
            return "f16";
        case WeightFormat::bf16:
            return "bf16";
        default:
            return block_format_name(to_block(format));
    }
}

const char* path_name(Path path) {
    switch (path) {
        case Path::automatic:
            return "auto";
        case Path::w16a16:
            return "w16a16";
        case Path::w4a16:
            return "w4a16";
        case Path::w4a8:
            return "w4a8";
        case Path::w4a4:
            return "w4a4";
    }
    return "unknown";
}

ActivationFormat activation_for(Path path, WeightFormat weight, const Backend& backend) {
    if (!is_block(weight)) return {};
    switch (path) {
        case Path::w4a8:
            return eight_bit(weight, backend);
        case Path::w4a4:
            if (weight == WeightFormat::mxfp4) return {Kind::mxfp4, ScaleRule::even};
            if (weight == WeightFormat::nvfp4) return {Kind::nvfp4, ScaleRule::amax};
            // 6- and 8-bit weights of a mixed model keep 8-bit inputs.
            return eight_bit(weight, backend);
        default:
            return {};
    }
}

ActivationFormat activation_for(Path path, std::span<const Weight* const> weights,
                                const std::optional<ActivationFormat>& intended, const Backend& backend) {
    ActivationFormat first = activation_for(path, weights.front()->format(), backend);
    for (const Weight* weight : weights) {
        if (activation_for(path, weight->format(), backend) != first) return {};
    }
    const bool same_width = intended && activation_bits(intended->kind) == activation_bits(first.kind);
    return same_width ? *intended : first;
}

Path automatic_path(WeightFormat most_weights, const Backend& backend) {
    if (!is_block(most_weights)) return Path::w16a16;
    ActivationFormat format = eight_bit(most_weights, backend);
    return backend.linear_support(most_weights, format).fast ? Path::w4a8 : Path::w4a16;
}

Result<void> check_path(Path path, WeightFormat most_weights) {
    if (path < Path::automatic || path > Path::w4a4) {
        return error(Status::argument, "path ", static_cast<int>(path), " is not one of FP4_PATH_*");
    }
    if (path == Path::automatic) return {};
    if (path == Path::w16a16 && is_block(most_weights)) {
        return error(Status::unsupported, "the model's weights are ", weight_format_name(most_weights),
                     ": path w16a16 is for unquantized models; use w4a16 for unrounded activations");
    }
    if (path != Path::w16a16 && !is_block(most_weights)) {
        return error(Status::unsupported, "the model's weights are ", weight_format_name(most_weights),
                     ": path ", path_name(path),
                     " needs quantized weights; quantize the model first (fp4 quantize) or use w16a16");
    }
    return {};
}

std::string path_description(Path path, WeightFormat weight, const Backend& backend) {
    return concat(weight_format_name(weight), " x ", format_name(activation_for(path, weight, backend)));
}

} // namespace fp4
