// Block scales of weights, expanded to one float32 per lane of 8 elements.
#pragma once

#include "libfp4/cpu/kernels/level.h"

namespace fp4::FP4_CPU_LEVEL {

inline constexpr size_t step_elements = lane_elements * width; // what the mat-vec kernels take at a time

struct E8m0Scales {
    static constexpr size_t block = 32;
    static constexpr size_t step_blocks = step_elements / block;
    static constexpr float unit = 1.0f;
    static F expand(const uint8_t* scales, size_t blocks = step_blocks) {
        uint32_t codes = 0;
        if (blocks == step_blocks) {
            __builtin_memcpy(&codes, scales, step_blocks);
        } else {
            for (size_t b = 0; b < blocks; ++b) codes |= uint32_t(scales[b]) << (8 * b);
        }
        return expand_e8m0(codes);
    }
};

struct Ue4m3Scales {
    static constexpr size_t block = 16;
    static constexpr size_t step_blocks = step_elements / block;
    static constexpr float unit = 0x1p8f; // expand_ue4m3 leaves a factor 2^-8
    static F expand(const uint8_t* scales, size_t blocks = step_blocks) {
        uint64_t codes = 0;
        if (blocks == step_blocks) {
            __builtin_memcpy(&codes, scales, step_blocks);
        } else {
            for (size_t b = 0; b < blocks; ++b) codes |= uint64_t(scales[b]) << (8 * b);
        }
        return expand_ue4m3(codes);
    }
};

} // namespace fp4::FP4_CPU_LEVEL
