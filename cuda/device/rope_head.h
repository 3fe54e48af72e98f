// Norm, rotary embedding and storage of one head, by a warp. Heads lie in shared memory.
#pragma once

#include <cuda_fp16.h>

#include "cuda/device/rounding.h"
#include "cuda/device/warp.h"
#include "cuda/kernels/rope.h"

namespace fp4::cuda {

// RoFormer (arXiv 2104.09864), section 3.2.2; the angle is rounded to float32 as in training software.
struct Rotation {
    float cosine, sine; // times the amplitude
};
__device__ inline Rotation rotation(const RopeView& rope, uint32_t position, uint32_t pair) {
    Rotation result;
    sincosf(static_cast<float>(position) * rope.inverse_frequency[pair], &result.sine, &result.cosine);
    result.cosine *= rope.amplitude, result.sine *= rope.amplitude;
    return result;
}
__device__ inline void rotate_pair(const RopeView& rope, const Rotation& by, uint32_t pair, uint32_t dim,
                                   float* head) {
    float& a = head[rope.interleaved ? 2 * pair : pair];
    float& b = head[rope.interleaved ? 2 * pair + 1 : pair + dim / 2];
    const float x = a, y = b;
    a = x * by.cosine - y * by.sine;
    b = x * by.sine + y * by.cosine;
}

// A token's rotations, [dim / 2], by all threads of a block.
__device__ inline void compute_rotations(const RopeView& rope, uint32_t position, uint32_t dim,
                                         Rotation* rotations) {
    for (uint32_t pair = threadIdx.x; pair < dim / 2; pair += blockDim.x)
        rotations[pair] = rotation(rope, position, pair);
}

// By one warp.
__device__ inline void rotate_head(const RopeView& rope, const Rotation* rotations, uint32_t dim,
                                   float* head) {
    for (uint32_t pair = threadIdx.x % 32; pair < dim / 2; pair += 32)
        rotate_pair(rope, rotations[pair], pair, dim, head);
    __syncwarp();
}

__device__ inline void norm_head(const NormView& norm, uint32_t dim, float* head) {
    float squares = 0.0f;
    for (uint32_t j = threadIdx.x % 32; j < dim; j += 32) squares += head[j] * head[j];
    const float inverse = 1.0f / sqrtf(warp_sum(squares) / static_cast<float>(dim) + norm.epsilon);
    for (uint32_t j = threadIdx.x % 32; j < dim; j += 32) head[j] *= inverse * norm.weight[j];
    __syncwarp();
}

// One block of 32 columns of a head, a column a lane.
__device__ inline void store_block(const KvView& kv, BlockFormat format, ScaleRule rule, uint32_t column,
                                   float value, uint8_t* head) {
    const uint32_t amax = group_max(__float_as_uint(value) & 0x7FFFFFFFu, 32);
    const uint8_t scale = block_scale_code(format, rule, 1.0f, amax);
    const float inverse = inverse_scale(decode_scale(format, scale), 1.0f);
    const bool zero = inverse == 0 || amax == 0;
    const uint32_t code = zero ? 0 : encode_block_element(block_element(format), value * inverse);
    if (format == BlockFormat::mxfp8_e4m3) {
        head[column] = static_cast<uint8_t>(code);
    } else {
        const uint32_t next = __shfl_down_sync(all_lanes, code, 1);
        if (column % 2 == 0) head[column / 2] = static_cast<uint8_t>(code | next << 4);
    }
    if (column % 32 == 0) head[kv.code_bytes + column / 32] = scale;
}

__device__ inline void store_head(const KvView& kv, const float* values, uint8_t* head) {
    const uint32_t dim = kv.head_dim;
    if (kv.format == KvFormat::f16) {
        for (uint32_t j = threadIdx.x % 32; j < dim; j += 32)
            reinterpret_cast<__half*>(head)[j] = __float2half_rn(values[j]);
    } else if (kv.format == KvFormat::f32) {
        for (uint32_t j = threadIdx.x % 32; j < dim; j += 32) reinterpret_cast<float*>(head)[j] = values[j];
    } else {
        const KvBlock block = kv.format == KvFormat::mxfp8 ? KvBlock{BlockFormat::mxfp8_e4m3, ScaleRule::ceil}
                                                           : KvBlock{BlockFormat::mxfp4, ScaleRule::even};
        for (uint32_t start = 0; start < dim; start += 32) {
            const uint32_t column = start + threadIdx.x % 32;
            store_block(kv, block.format, block.rule, column, column < dim ? values[column] : 0.0f, head);
        }
    }
}

} // namespace fp4::cuda
