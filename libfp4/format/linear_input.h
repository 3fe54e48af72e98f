// What happens to the input of a linear before the product: a transform of its channels and rounding.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "libfp4/format/block_format.h"

namespace fp4 {

// What the inputs of a linear are rounded to (per token, blocks along K) before the product.
struct ActivationFormat {
    enum class Kind : uint8_t {
        a16,        // not rounded: float32 on the CPU, f16/bf16 operands on GPUs
        mxint8,     // 8 bit, 32 per E8M0 scale: the 8-bit path of integer devices
        mxfp8_e4m3, // 8 bit, 32 per E8M0 scale: the 8-bit path of tensor cores
        mxfp4,      // 4 bit, 32 per E8M0 scale
        nvfp4,      // 4 bit, 16 per E4M3 scale, one f32 tensor scale
    } kind = Kind::a16;
    // Any that applies to the block format; nvfp4 takes others for amax. Scored rules (mse, four_over_six)
    // cost time at run time.
    ScaleRule rule = ScaleRule::even;
    // nvfp4: 0 takes each token's own (tensor_scale_for), else it is for all tokens
    float tensor_scale = 0.0f;
    bool operator==(const ActivationFormat&) const = default;
};

std::string_view activation_kind_name(ActivationFormat::Kind kind); // "a16", "mxfp8-e4m3" ...
std::optional<ActivationFormat::Kind> parse_activation_kind(std::string_view name);

// The block format activations of this kind are rounded to; nullopt for a16.
std::optional<BlockFormat> activation_block_format(ActivationFormat::Kind kind);

// Whether each token's tensor scale follows from its largest magnitude.
bool scales_by_token(const ActivationFormat& format);

// How a token's row is rounded: the rule that is really used, and its tensor scale, where `amax` is the row's
// largest magnitude (NaN for a row that holds NaN or Inf).
ScaleRule activation_rule(const ActivationFormat& format);
float activation_tensor_scale(const ActivationFormat& format, float amax);

// Applied to the input of a linear before rounding (design decision 3): x[j] * channel_scale[j], then every
// run of `block` channels is multiplied from the right by a block x block matrix: one for all runs, or one
// for each. Weights carry the inverse.
struct InputTransform {
    enum class Kind : uint8_t { identity, hadamard, matrix } kind = Kind::identity;
    uint32_t block = 0;               // 16, 32, 64 or 128; divides K
    std::vector<float> channel_scale; // [K] or empty
    std::vector<float> matrix;        // kind == matrix: [1 or K / block, block, block], each row-major
    size_t bytes() const { return (channel_scale.size() + matrix.size()) * sizeof(float); }
};
constexpr bool is_transform_block(uint64_t block) {
    return block == 16 || block == 32 || block == 64 || block == 128;
}

} // namespace fp4
