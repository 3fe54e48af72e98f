#include "cuda/device/launch.h"
#include "cuda/device/rope_head.h"
#include "cuda/kernels/rope.h"

namespace fp4::cuda {
namespace {

// A warp takes one head of one token: heads of q, then of k, then of v.
__global__ __launch_bounds__(32) void rope_heads(RopeView rope, float* q, const float* k, const float* v,
                                                 KvView kv) {
    __shared__ float head[max_head_dim];
    begin();
    const uint32_t token = blockIdx.y, dim = kv.head_dim, position = step_position(rope.position) + token;
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
