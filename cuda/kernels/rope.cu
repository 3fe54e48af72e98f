#include <algorithm>

#include "cuda/device/launch.h"
#include "cuda/device/rope_head.h"
#include "cuda/kernels/rope.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t warps = 8;

// A block has one token, whose rotation is computed once; each of its warps takes a head at a time: those of
// q, then of k, then of v.
__global__ __launch_bounds__(warps * 32) void rope_heads(RopeView rope, float* q, const float* k,
                                                         const float* v, KvView kv, uint32_t rounds) {
    __shared__ float heads[warps][max_head_dim];
    __shared__ Rotation rotations[max_head_dim / 2];
    const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32, dim = kv.head_dim;
    const uint32_t token = blockIdx.y, position = step_position(rope.position) + token;
    compute_rotations(rope, position, dim, rotations);
    begin();
    __syncthreads();
    float* head = heads[warp];
    for (uint32_t round = 0; round < rounds; ++round) {
        uint32_t index = (blockIdx.x * rounds + round) * warps + warp;
        if (index >= rope.heads + 2 * kv.kv_heads) return;
        const bool is_q = index < rope.heads;
        if (!is_q) index -= rope.heads;
        const bool is_v = !is_q && index >= kv.kv_heads;
        if (is_v) index -= kv.kv_heads;
        const float* source = is_q ? q + (size_t(token) * rope.heads + index) * dim
                                   : (is_v ? v : k) + (size_t(token) * kv.kv_heads + index) * dim;
        for (uint32_t j = lane; j < dim; j += 32) head[j] = source[j];
        __syncwarp();
        if (!is_v) {
            const NormView& norm = is_q ? rope.q_norm : rope.k_norm;
            if (norm.weight) norm_head(norm, dim, head);
            rotate_head(rope, rotations, dim, head);
        }
        if (is_q) {
            float* target = q + (size_t(token) * rope.heads + index) * dim;
            for (uint32_t j = lane; j < dim; j += 32) target[j] = head[j];
        } else {
            store_head(kv, head, (is_v ? kv.values : kv.keys) + head_place(kv, position, index));
        }
        __syncwarp(); // the head has been read
    }
}

} // namespace

cudaError_t launch_rope(const RopeView& rope, float* q, const float* k, const float* v, const KvView& kv,
                        cudaStream_t stream) {
    const uint32_t all = (rope.heads + 2 * kv.kv_heads + warps - 1) / warps;
    // Many tokens fill the device with a block each; of few the heads are spread.
    const uint32_t rounds = std::clamp(rope.n / 64, 1u, all);
    const dim3 grid((all + rounds - 1) / rounds, rope.n);
    return launch(rope_heads, grid, warps * 32, 0, stream, rope, q, k, v, kv, rounds);
}

} // namespace fp4::cuda
