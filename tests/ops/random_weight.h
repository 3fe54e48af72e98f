// Weights made of random codes and scales, in memory that ends where the last row ends and starts unaligned.
#pragma once

#include <memory>
#include <vector>

#include "compare.h"
#include "libfp4/engine/backend.h"

namespace fp4::ops {

struct RandomWeight {
    HostWeight host;
    std::vector<double> values; // [rows, cols], what the weight stands for
};

enum class ScaleEdge { none, zero_blocks, nan_block, huge, tiny };

RandomWeight random_weight(WeightFormat format, size_t rows, size_t cols, Random& random,
                           ScaleEdge edge = ScaleEdge::none);

// A weight holding these float32 values.
RandomWeight f32_weight(const std::vector<float>& values, size_t rows, size_t cols);

inline constexpr WeightFormat all_weight_formats[] = {
    WeightFormat::f32,        WeightFormat::f16,        WeightFormat::bf16,       WeightFormat::mxfp4,
    WeightFormat::nvfp4,      WeightFormat::mxfp8_e4m3, WeightFormat::mxfp8_e5m2, WeightFormat::mxfp6_e2m3,
    WeightFormat::mxfp6_e3m2, WeightFormat::mxint8};

inline constexpr ActivationFormat all_activation_formats[] = {
    {ActivationFormat::Kind::a16, ScaleRule::even},
    {ActivationFormat::Kind::mxint8, ScaleRule::even},
    {ActivationFormat::Kind::mxfp8_e4m3, ScaleRule::even},
    {ActivationFormat::Kind::mxfp8_e4m3, ScaleRule::floor},
    {ActivationFormat::Kind::mxfp8_e4m3, ScaleRule::ceil},
    {ActivationFormat::Kind::mxfp8_e4m3, ScaleRule::mse},
    {ActivationFormat::Kind::mxfp8_e4m3, ScaleRule::tensor},
    {ActivationFormat::Kind::mxfp4, ScaleRule::floor},
    {ActivationFormat::Kind::mxfp4, ScaleRule::ceil},
    {ActivationFormat::Kind::mxfp4, ScaleRule::even},
    {ActivationFormat::Kind::mxfp4, ScaleRule::uos},
    {ActivationFormat::Kind::mxfp4, ScaleRule::prescale34},
    {ActivationFormat::Kind::mxint8, ScaleRule::floor},
    {ActivationFormat::Kind::mxint8, ScaleRule::ceil},
    {ActivationFormat::Kind::mxfp4, ScaleRule::mse},
    {ActivationFormat::Kind::mxint8, ScaleRule::mse},
    {ActivationFormat::Kind::nvfp4, ScaleRule::amax},
    {ActivationFormat::Kind::nvfp4, ScaleRule::four_over_six},
    {ActivationFormat::Kind::nvfp4, ScaleRule::mse},
    {ActivationFormat::Kind::nvfp4, ScaleRule::amax, 0x1.2p-10f}}; // saturates at 448 * 6 times that: 2.95

} // namespace fp4::ops
