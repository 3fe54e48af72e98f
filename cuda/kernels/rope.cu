#include <cuda_fp16.h>

#include "cuda/device/launch.h"
#include "cuda/device/rounding.h"
#include "cuda/device/warp.h"
#include "cuda/kernels/rope.h"

namespace fp4::cuda {
namespace {

// RoFormer (arXiv 2104.09864), section 3.2.2; the angle is rounded to float32 as in training software.
__device__ void rotate(const RopeView& rope, uint32_t position, uint32_t dim, float* head) {
    for (uint32_t i = threadIdx.x; i < dim / 2; i += 32) {
        float sine, cosine;
        sincosf(static_cast<float>(position) * rope.inverse_frequency[i], &sine, &cosine);
        cosine *= rope.amplitude, sine *= rope.amplitude;
        float& a = head[rope.interleaved ? 2 * i : i];
        float& b = head[rope.interleaved ? 2 * i + 1 : i + dim / 2];
        const float x = a, y = b;
        a = x * cosine - y * sine;
        b = x * sine + y * cosine;
    }
    __syncwarp();
}

__device__ void norm_head(const NormView& norm, uint32_t dim, float* head) {
    float squares = 0.0f;
    for (uint32_t j = threadIdx.x; j < dim; j += 32) squares += head[j] * head[j];
    const float inverse = 1.0f / sqrtf(warp_sum(squares) / static_cast<float>(dim) + norm.epsilon);
    for (uint32_t j = threadIdx.x; j < dim; j += 32) head[j] *= inverse * norm.weight[j];
    __syncwarp();
}

// One block of 32 columns of a head, a column a lane.
__device__ void store_block(const KvView& kv, BlockFormat format, ScaleRule rule, uint32_t column,
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

__device__ void store_head(const KvView& kv, const float* values, uint8_t* head) {
    const uint32_t dim = kv.head_dim;
    if (kv.format == KvFormat::f16) {
        for (uint32_t j = threadIdx.x; j < dim; j += 32)
            reinterpret_cast<__half*>(head)[j] = __float2half_rn(values[j]);
    } else if (kv.format == KvFormat::f32) {
        for (uint32_t j = threadIdx.x; j < dim; j += 32) reinterpret_cast<float*>(head)[j] = values[j];
    } else {
        const KvBlock block = kv.format == KvFormat::mxfp8 ? KvBlock{BlockFormat::mxfp8_e4m3, ScaleRule::ceil}
                                                           : KvBlock{BlockFormat::mxfp4, ScaleRule::even};
        for (uint32_t start = 0; start < dim; start += 32) {
            const uint32_t column = start + threadIdx.x;
            store_block(kv, block.format, block.rule, column, column < dim ? values[column] : 0.0f, head);
        }
    }
}

// A warp takes one head of one token: heads of q, then of k, then of v.
__global__ __launch_bounds__(32) void rope_heads(RopeView rope, float* q, const float* k, const float* v,
                                                 KvView kv) {
    __shared__ float head[max_head_dim];
    begin();
    const uint32_t token = blockIdx.y, dim = kv.head_dim, position = rope.position + token;
    uint32_t index = blockIdx.x;
    const bool is_q = index < rope.heads;
    if (!is_q) index -= rope.heads;
    const bool is_v = !is_q && index >= kv.kv_heads;
    if (is_v) index -= kv.kv_heads;
    const float* source = is_q ? q + (size_t(token) * rope.heads + index) * dim
                               : (is_v ? v : k) + (size_t(token) * kv.kv_heads + index) * dim;
    for (uint32_t j = threadIdx.x; j < dim; j += 32) head[j] = source[j];
    __syncwarp();
    if (!is_v) {
        const NormView& norm = is_q ? rope.q_norm : rope.k_norm;
        if (norm.weight) norm_head(norm, dim, head);
        rotate(rope, position, dim, head);
    }
    if (is_q) {
        float* target = q + (size_t(token) * rope.heads + index) * dim;
        for (uint32_t j = threadIdx.x; j < dim; j += 32) target[j] = head[j];
    } else {
        store_head(kv, head, (is_v ? kv.values : kv.keys) + head_place(kv, position, index));
    }
}

} // namespace

cudaError_t launch_rope(const RopeView& rope, float* q, const float* k, const float* v, const KvView& kv,
                        cudaStream_t stream) {
    const dim3 grid(rope.heads + 2 * kv.kv_heads, rope.n);
    return launch(rope_heads, grid, 32, 0, stream, rope, q, k, v, kv);
}

} // namespace fp4::cuda
