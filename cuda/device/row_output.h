// The end of every operation that feeds a linear: transform, round, store. A warp takes a run of 128 columns
// of one row, four columns a lane.
#pragma once

#include <cuda_fp16.h>

#include "cuda/device/activation_view.h"
#include "cuda/device/scale_search.h"
#include "cuda/gemm/store_operand.h"

namespace fp4::cuda {

// Of lanes that store nothing: beyond every row.
inline constexpr uint32_t no_column = 1u << 31;

// Sylvester's Hadamard matrix by butterflies, over blocks of 16 to 128 columns.
__device__ inline void hadamard_run(uint32_t block, float (&v)[4]) {
    const float a = v[0] + v[1], b = v[0] - v[1], c = v[2] + v[3], d = v[2] - v[3];
    v[0] = a + c, v[1] = b + d, v[2] = a - c, v[3] = b - d;
    for (uint32_t step = 1; 4 * step < block; step *= 2) {
        const bool second = threadIdx.x & step;
        for (float& value : v) {
            const float other = __shfl_xor_sync(all_lanes, value, step);
            value = second ? other - value : value + other;
        }
    }
    const float norm = block == 16   ? 0.25f
                       : block == 32 ? 0.176776695f
                       : block == 64 ? 0.125f
                                     : 0.0883883476f;
    for (float& value : v) value *= norm;
}

// v times the block's matrix, from the right.
__device__ inline void matrix_run(const TransformView& transform, uint32_t column, uint32_t cols,
                                  float (&v)[4]) {
    const uint32_t block = transform.block, lane = threadIdx.x % 32, first = lane & ~(block / 4 - 1);
    const float* matrix = transform.matrix;
    if (column < cols) matrix += size_t(column / block) * transform.matrix_stride + column % block;
    float sum[4] = {};
    for (uint32_t i = 0; i < block; i += 4) {
#pragma unroll
        for (uint32_t e = 0; e < 4; ++e) {
            const float value = __shfl_sync(all_lanes, v[e], first + i / 4);
            const float4 m = *reinterpret_cast<const float4*>(matrix + size_t(i + e) * block);
            sum[0] += value * m.x, sum[1] += value * m.y, sum[2] += value * m.z, sum[3] += value * m.w;
        }
    }
    for (int e = 0; e < 4; ++e) v[e] = sum[e];
}

__device__ inline void transform_run(const TransformView& transform, uint32_t column, uint32_t cols,
                                     float (&v)[4]) {
    if (transform.channel_scale) {
        for (uint32_t e = 0; e < 4; ++e)
            if (column + e < cols) v[e] *= transform.channel_scale[column + e];
    }
    if (transform.kind == InputTransform::Kind::hadamard) hadamard_run(transform.block, v);
    if (transform.kind == InputTransform::Kind::matrix) matrix_run(transform, column, cols, v);
}

__device__ inline uint32_t run_amax(const float (&v)[4], int lanes) {
    uint32_t amax = 0;
    for (float value : v) amax = max(amax, __float_as_uint(value) & 0x7FFFFFFFu);
    return group_max(amax, lanes);
}

// The tensor-core operand of four columns: `high` and `low` halves, interleaved with those of the
// neighbouring lane in the order of activation_view.h.
__device__ inline void store_parts(const ActivationView& out, uint32_t row, uint32_t column,
                                   const float (&high)[4], const float (&low)[4], float scale) {
    __half* place = out.parts + part_place(out.padded(), row, column);
    for (int part = 0; part < 2; ++part) {
        const uint2 words = interleaved_pairs(part == 0 ? high : low);
        if (column < out.padded()) *reinterpret_cast<uint2*>(place + part * 32) = words;
    }
    if (column % 32 == 0 && column < out.padded())
        out.part_scales[part_scale_place(out.padded(), row, column)] = scale;
}

__device__ inline void store_values(const ActivationView& out, uint32_t row, uint32_t column,
                                    const float (&v)[4]) {
    if (column >= out.pitch()) return;
    *reinterpret_cast<float4*>(out.values + size_t(row) * out.pitch() + column) =
        make_float4(v[0], v[1], v[2], v[3]);
}

// Unrounded: two f16 parts of 11 bits each, scaled by a power of two that puts the largest value of 32
// columns in [2^14, 2^15).
__device__ inline void store_unrounded(const ActivationView& out, uint32_t row, uint32_t column,
                                       const float (&v)[4]) {
    const uint32_t exponent = max(run_amax(v, 8) >> 23, 15u);
    const float inverse = __uint_as_float((268 - exponent) << 23);
    float high[4], low[4];
    for (int e = 0; e < 4; ++e) {
        const float scaled = v[e] * inverse;
        high[e] = __half2float(__float2half_rn(scaled));
        low[e] = scaled - high[e];
    }
    store_values(out, row, column, v);
    store_parts(out, row, column, high, low, __uint_as_float((exponent - 14) << 23));
}

// Four values of a block, rounded.
struct RoundedRun {
    uint8_t codes[4];
    float elements[4]; // without the scales
    uint8_t scale_code;
    float scale; // of the block
};

// amax: bits of the block's largest magnitude; found: the scale's code if the rule searches for one.
template <BlockFormat format>
__device__ __forceinline__ RoundedRun round_blocks_to(ScaleRule rule, float tensor_scale, uint32_t amax,
                                                      uint8_t found, const float (&v)[4]) {
    RoundedRun run;
    run.scale_code = is_searched(rule) ? found : block_scale_code(format, rule, tensor_scale, amax);
    run.scale = decode_scale(format, run.scale_code);
    const float inverse = inverse_scale(run.scale, tensor_scale);
    const bool zero = inverse == 0 || amax == 0;
#pragma unroll
    for (int e = 0; e < 4; ++e) {
        const RoundedElement rounded = round_element(format, zero ? 0.0f : v[e] * inverse);
        run.codes[e] = zero ? uint8_t(0) : rounded.code;
        run.elements[e] = zero ? 0.0f : rounded.value;
    }
    return run;
}

// The format as a constant: it decides what most of the arithmetic is done with.
__device__ __forceinline__ RoundedRun round_blocks(BlockFormat format, ScaleRule rule, float tensor_scale,
                                                   const float (&v)[4]) {
    const int lanes = format == BlockFormat::nvfp4 ? 4 : 8;
    const uint32_t amax = run_amax(v, lanes);
    const uint8_t found =
        is_searched(rule) ? searched_scale_code(format, rule, tensor_scale, amax, v, lanes) : uint8_t(0);
    switch (format) {
        case BlockFormat::nvfp4:
            return round_blocks_to<BlockFormat::nvfp4>(rule, tensor_scale, amax, found, v);
        case BlockFormat::mxfp8_e4m3:
            return round_blocks_to<BlockFormat::mxfp8_e4m3>(rule, tensor_scale, amax, found, v);
        case BlockFormat::mxint8:
            return round_blocks_to<BlockFormat::mxint8>(rule, tensor_scale, amax, found, v);
        default:
            return round_blocks_to<BlockFormat::mxfp4>(rule, tensor_scale, amax, found, v);
    }
}

// v: transformed values; zero from cols on.
__device__ inline void round_to_parts(const ActivationView& out, const RoundingView& rounding,
                                      float tensor_scale, uint32_t row, uint32_t column,
                                      const float (&v)[4]) {
    if (rounding.kind == ActivationFormat::Kind::a16) return store_unrounded(out, row, column, v);
    const BlockFormat format = rounded_format(rounding.kind);
    const bool nv = format == BlockFormat::nvfp4;
    const RoundedRun run = round_blocks(format, rounding.rule, tensor_scale, v);
    float high[4], values[4];
    const float low[4] = {};
#pragma unroll
    for (int e = 0; e < 4; ++e) {
        // Codes of blocks of 16 carry their scale, which is exact in f16.
        high[e] = nv ? run.elements[e] * run.scale : run.elements[e];
        values[e] = run.elements[e] * run.scale * tensor_scale;
    }
    store_values(out, row, column, values);
    store_parts(out, row, column, high, low, nv ? tensor_scale : run.scale * tensor_scale);
}

// Of 8 bits, the first in the lowest.
__device__ inline uint32_t four_codes(const RoundedRun& run) {
    return run.codes[0] | uint32_t(run.codes[1]) << 8 | uint32_t(run.codes[2]) << 16 |
           uint32_t(run.codes[3]) << 24;
}

// The operand of the block-scaled instruction, codes as they are.
__device__ inline void store_block_operand(const ActivationView& out, BlockFormat format, float tensor_scale,
                                           uint32_t row, uint32_t column, const RoundedRun& run) {
    const uint32_t bytes = four_codes(run), nibbles = (bytes | bytes >> 4) & 0x00FF00FF,
                   codes = (nibbles | nibbles >> 8) & 0xFFFF;
    if (column == 0) out.operand.tensor_scale[row] = tensor_scale;
    if (format == BlockFormat::mxfp4)
        store_block_run<BlockFormat::mxfp4>(out.operand, row, column, codes, run.scale_code);
    else if (format == BlockFormat::nvfp4)
        store_block_run<BlockFormat::nvfp4>(out.operand, row, column, codes, run.scale_code);
    else if (format == BlockFormat::mxfp8_e4m3)
        store_block_run<BlockFormat::mxfp8_e4m3>(out.operand, row, column, bytes, run.scale_code);
}

// E4M3 panels alone, of a row without NaN.
__device__ inline void round_to_e4m3(const ActivationView& out, float tensor_scale, uint32_t row,
                                     uint32_t column, const float (&v)[4]) {
    const float inverse = inverse_scale(1.0f, tensor_scale);
    uint32_t codes = 0;
#pragma unroll
    for (int e = 0; e < 4; ++e)
        codes |= uint32_t(round_element(BlockFormat::mxfp8_e4m3, v[e] * inverse).code) << 8 * e;
    store_e4m3_run(out.operand, row, column, codes);
    if (column == 0) out.operand.tensor_scale[row] = tensor_scale;
}

// Into half-precision panels, each row times a power of two that puts its largest value in [2^14, 2^15) (a
// rounded one, which may be up to twice as large as before and has the tensor scale taken out, in [2^12,
// 2^15)): nothing overflows, and values down to 2^-27 of the largest keep all 11 bits. out.values holds v.
__device__ inline void round_to_operand(const ActivationView& out, const RoundingView& rounding,
                                        float tensor_scale, uint32_t row_amax, uint32_t row, uint32_t column,
                                        const float (&v)[4]) {
    const bool rounded = rounding.kind != ActivationFormat::Kind::a16,
               e4m3 = out.operand.e4m3 && rounding.rule == ScaleRule::tensor;
    if (e4m3 && !out.keeps_half && row_amax < f32_infinity_bits)
        return round_to_e4m3(out, tensor_scale, row, column, v);
    const int largest = static_cast<int>(row_amax >> 23);
    // Biased exponent of what the panel's values are multiplied with.
    const int unit =
        min(max(rounded ? largest - 13 - static_cast<int>(__float_as_uint(tensor_scale) >> 23) + 127
                        : largest - 14,
                1),
            253);
    const float inverse = __uint_as_float(static_cast<uint32_t>(254 - unit) << 23);
    float half[4];
    if (rounded) {
        const BlockFormat format = rounded_format(rounding.kind);
        const RoundedRun run = round_blocks(format, rounding.rule, tensor_scale, v);
        float values[4];
#pragma unroll
        for (int e = 0; e < 4; ++e) {
            half[e] = run.elements[e] * run.scale * inverse;
            values[e] = run.elements[e] * run.scale * tensor_scale;
        }
        if (out.keeps_values) store_values(out, row, column, values);
        if (out.operand.codes) store_block_operand(out, format, tensor_scale, row, column, run);
        if (e4m3) {
            // This operand has no block scales to be NaN: the elements are.
            const bool nan = run.scale_code == nan_scale_code(format);
            store_e4m3_run(out.operand, row, column, nan ? 0x7F7F7F7Fu : four_codes(run));
            if (column == 0) out.operand.tensor_scale[row] = tensor_scale;
        }
    } else {
#pragma unroll
        for (int e = 0; e < 4; ++e) half[e] = v[e] * inverse;
    }
    store_half_run(out.operand, row, column, half);
    if (column == 0)
        out.operand.row_scale[row] =
            __uint_as_float(static_cast<uint32_t>(unit) << 23) * (rounded ? tensor_scale : 1.0f);
}

__device__ inline float row_tensor_scale(const RoundingView& rounding, uint32_t row_amax) {
    return rounding.needs_row_amax() ? token_scale(rounded_format(rounding.kind), rounding.rule, row_amax)
                                     : rounding.tensor_scale;
}

// v: values of columns column.. (0 from cols on), before the transform; lanes with a column beyond the pitch
// store nothing. Where a second pass rounds (kernels/round.h) only the transform is done.
__device__ inline void finish_run(const ActivationView& out, const RoundingView& rounding, uint32_t row,
                                  uint32_t column, float (&v)[4]) {
    transform_run(rounding.transform, column, out.cols, v);
    if (needs_second_pass(rounding, out)) {
        store_values(out, row, column, v);
        const uint32_t amax = run_amax(v, 32);
        if (threadIdx.x % 32 == 0) atomicMax(out.row_amax + row, amax);
        return;
    }
    round_to_parts(out, rounding, rounding.tensor_scale, row, column, v);
}

} // namespace fp4::cuda
