// Transform and rounding of linear inputs into operands of the matrix kernels, in one pass over float32 rows.
// A block takes a row: its warps take runs of 128 columns. Where a scale depends on the whole row, the
// transform is done twice, which is cheaper than to keep the row.
#pragma once

#include "cuda/device/rounding.h"
#include "cuda/gemm/store_operand.h"

namespace fp4::cuda {

struct RoundArguments {
    const float* x; // [rows][x_stride]
    size_t x_stride;
    GemmOperand to;
    ScaleRule rule; // floor, ceil, even, uos; NVFP4: amax
    float tensor_scale; // NVFP4: 0 takes each row's own
};

inline constexpr uint32_t round_threads = 256;

// Values of a run, zero from the last column on. The transform is called by whole warps.
template <class Transform>
__device__ __forceinline__ void load_run(const RoundArguments& p, uint32_t column, Transform& transform,
                                         float (&v)[4]) {
    const float* x = p.x + static_cast<size_t>(blockIdx.x) * p.x_stride;
#pragma unroll
    for (uint32_t e = 0; e < 4; ++e) v[e] = column + e < p.to.cols ? x[column + e] : 0.0f;
    transform(column, v);
}

// Bits of the largest magnitude of runs of `lanes` neighbouring lanes.
template <int lanes>
__device__ __forceinline__ uint32_t largest_bits(const float (&v)[4]) {
    uint32_t bits = 0;
#pragma unroll
    for (float value : v) {
        const uint32_t magnitude = __float_as_uint(value) & 0x7FFFFFFFu;
        bits = magnitude > bits ? magnitude : bits;
    }
#pragma unroll
    for (int step = 1; step < lanes; step *= 2) {
        const uint32_t other = __shfl_xor_sync(0xFFFFFFFFu, bits, step);
        bits = other > bits ? other : bits;
    }
    return bits;
}

template <class Transform>
__device__ __forceinline__ uint32_t row_largest_bits(const RoundArguments& p, Transform& transform) {
    uint32_t* parts = reinterpret_cast<uint32_t*>(shared_memory());
    const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    uint32_t bits = 0;
    for (uint32_t run = warp; run * 128 < p.to.cols; run += round_threads / 32) {
        float v[4];
        load_run(p, run * 128 + lane * 4, transform, v);
        const uint32_t other = largest_bits<32>(v);
        bits = other > bits ? other : bits;
    }
    if (lane == 0) parts[warp] = bits;
    __syncthreads();
    for (uint32_t i = 0; i < round_threads / 32; ++i) bits = parts[i] > bits ? parts[i] : bits;
    return bits;
}

template <BlockFormat format, class Transform>
__device__ __forceinline__ void round_row_blocks(const RoundArguments& p, Transform transform) {
    constexpr bool nv = format == BlockFormat::nvfp4;
    constexpr int element_bits = format == BlockFormat::mxfp8_e4m3 ? 8 : 4;
    float tensor_scale = 1.0f;
    if (nv)
        tensor_scale =
            p.tensor_scale != 0.0f ? p.tensor_scale : nvfp4_token_scale(p.rule, row_largest_bits(p, transform));
    const uint32_t row = blockIdx.x, lane = threadIdx.x % 32;
    if (nv && threadIdx.x == 0) p.to.row_scale[row] = tensor_scale;
    for (uint32_t run = threadIdx.x / 32; run * 128 < p.to.cols; run += round_threads / 32) {
        const uint32_t column = run * 128 + lane * 4;
        float v[4];
        load_run(p, column, transform, v);
        const uint32_t amax = largest_bits < nv ? 4 : 8 > (v);
        const uint8_t scale = block_scale_code(format, p.rule, tensor_scale, amax);
        const float inverse = inverse_scale(decode_scale(format, scale), tensor_scale);
        uint32_t codes = 0;
        if (inverse != 0 && amax != 0) {
#pragma unroll
            for (int e = 0; e < 4; ++e)
                codes |= static_cast<uint32_t>(
                             encode_block_element(block_element(format), __fmul_rn(v[e], inverse)))
                         << element_bits * e;
        }
        store_block_run<format>(p.to, row, column, codes, scale);
    }
}

// fp16, each row times a power of two that puts its largest value in [2^14, 2^15).
template <class Transform>
__device__ __forceinline__ void round_row_half(const RoundArguments& p, Transform transform) {
    const uint32_t largest = row_largest_bits(p, transform) >> 23, exponent = largest > 15 ? largest : 15;
    const float inverse = __uint_as_float((268 - exponent) << 23);
    const uint32_t row = blockIdx.x, lane = threadIdx.x % 32;
    if (threadIdx.x == 0) p.to.row_scale[row] = __uint_as_float((exponent - 14) << 23);
    for (uint32_t run = threadIdx.x / 32; run * 128 < p.to.cols; run += round_threads / 32) {
        float v[4];
        load_run(p, run * 128 + lane * 4, transform, v);
#pragma unroll
        for (float& value : v) value = __fmul_rn(value, inverse);
        store_half_run(p.to, row, run * 128 + lane * 4, v);
    }
}

} // namespace fp4::cuda
