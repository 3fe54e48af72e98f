// Block scales of packed 4-bit weights, expanded to one float32 per lane of 8 elements.
#pragma once

#include "libfp4/cpu/kernels/level.h"

namespace fp4::FP4_CPU_LEVEL {

inline constexpr size_t step_bytes = 4 * width; // weight bytes per vector: `width` lanes of 4 bytes

struct Mxfp4Scales {
    static constexpr WeightFormat format = WeightFormat::mxfp4;
    static constexpr size_t block_bytes = 16;
    static constexpr float unit = 1.0f;
    static F expand(const uint8_t* scales, size_t blocks = step_bytes / block_bytes) {
        uint32_t codes = 0;
        if (blocks == step_bytes / block_bytes) {
            __builtin_memcpy(&codes, scales, step_bytes / block_bytes);
        } else {
            for (size_t b = 0; b < blocks; ++b) codes |= uint32_t(scales[b]) << (8 * b);
        }
        return expand_e8m0(codes);
    }
};

struct Nvfp4Scales {
    static constexpr WeightFormat format = WeightFormat::nvfp4;
    static constexpr size_t block_bytes = 8;
    static constexpr float unit = 0x1p8f; // expand_ue4m3 leaves a factor 2^-8
    static F expand(const uint8_t* scales, size_t blocks = step_bytes / block_bytes) {
        uint64_t codes = 0;
        if (blocks == step_bytes / block_bytes) {
            __builtin_memcpy(&codes, scales, step_bytes / block_bytes);
        } else {
            for (size_t b = 0; b < blocks; ++b) codes |= uint64_t(scales[b]) << (8 * b);
        }
        return expand_ue4m3(codes);
    }
};

} // namespace fp4::FP4_CPU_LEVEL
