// The weight formats of the integer kernels. A weight and an activation of a step are two vectors each: lane
// i of both together holds elements 8 i .. 8 i + 7 of the step, so that a lane's dot product never mixes
// blocks.
#pragma once

#include "libfp4/cpu/kernels/block_scales.h"

namespace fp4::FP4_CPU_LEVEL {

struct Halves {
    I first, second;
};

// Activation codes of a step and what a lane's sum starts from.
struct StepInput {
    Halves codes;
    I start;
};

// MXFP4 and NVFP4: elements are 2 x E2M1 + 12, even ones in `first`, odd ones in `second`.
template <class BlockScales>
struct E2m1Weights {
    using Scales = BlockScales;
    static constexpr size_t step_bytes = step_elements / 2;
    static constexpr int32_t bias = e2m1_bias;
    static constexpr float unit = 0.5f;

    static Halves unpack(I packed) {
        Halves halves;
        unpack_biased(packed, halves.first, halves.second);
        return halves;
    }
    static Halves load(const uint8_t* codes) { return unpack(load_bytes(codes)); }
    static Halves load(const uint8_t* codes, size_t bytes) { return unpack(load_bytes(codes, bytes)); }
    static StepInput input(const int8_t* even, const int32_t* offsets) {
        return {{load_ints(even), load_ints(even + chunk_elements / 2)}, load_ints(offsets)};
    }
    static I dot(I acc, const Halves& w, const Halves& x) {
        return dot8(acc, w.first, x.first, w.second, x.second);
    }
    // Even and odd elements of a step, four to a lane.
    static Halves even_odd(const uint8_t* codes, size_t bytes) {
        return bytes == step_bytes ? load(codes) : load(codes, bytes);
    }
};

// MXINT8: a lane's first four elements in `first`, the other four in `second`; plus int8_bias.
struct Int8Weights {
    using Scales = E8m0Scales;
    static constexpr size_t step_bytes = step_elements;
    static constexpr int32_t bias = int8_bias;
    static constexpr float unit = 1.0f / 64;

    static Halves unpack(I low, I high) {
        Halves halves;
        split_groups(low, high, halves.first, halves.second);
        return {bias_int8(halves.first), bias_int8(halves.second)};
    }
    static Halves load(const uint8_t* codes) {
        return unpack(load_bytes(codes), load_bytes(codes + step_bytes / 2));
    }
    static Halves load(const uint8_t* codes, size_t bytes) {
        constexpr size_t half = step_bytes / 2;
        if (bytes < half) return unpack(load_bytes(codes, bytes), set_int(0));
        return unpack(load_bytes(codes), load_bytes(codes + half, bytes - half));
    }
    static StepInput input(const int8_t* even, const int32_t*) {
        StepInput x{{}, set_int(0)};
        interleave_groups(load_ints(even), load_ints(even + chunk_elements / 2), x.codes.first,
                          x.codes.second);
        if constexpr (bias != 0) {
            const I biases = set_int(static_cast<int32_t>(uint32_t(bias) * 0x01010101u));
            x.start = negative(dot8(x.start, biases, x.codes.first, biases, x.codes.second));
        }
        return x;
    }
    static I dot(I acc, const Halves& w, const Halves& x) {
        return dot8_int8(acc, w.first, x.first, w.second, x.second);
    }
    static Halves even_odd(const uint8_t* codes, size_t bytes) {
        uint8_t whole[step_bytes] = {}, even[step_bytes / 2], odd[step_bytes / 2];
        __builtin_memcpy(whole, codes, bytes);
        for (size_t i = 0; i < step_bytes / 2; ++i) { // compilers use byte packing
            even[i] = whole[2 * i];
            odd[i] = whole[2 * i + 1];
        }
        return {bias_int8(load_ints(even)), bias_int8(load_ints(odd))};
    }
};

} // namespace fp4::FP4_CPU_LEVEL
