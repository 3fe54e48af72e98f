#include <algorithm>
#include <bit>

#include "cuda/device/attention_rows.h"
#include "cuda/device/launch.h"
#include "cuda/device/rope_head.h"
#include "cuda/device/row_output.h"
#include "cuda/kernels/attention.h"
#include "cuda/kernels/decode_attention.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t warps = 8;        // of a block: neighbouring ranges of the keys
constexpr uint32_t block_keys = 128; // a block's least: two steps a warp
constexpr uint32_t most_parts = 16;
static_assert(warps > warp_rows + 1); // a warp for each query head, the key and the value

// The heads of a block: up to four query heads of one KV head.
struct Heads {
    uint32_t first, count, kv_head;
};
__device__ Heads block_heads(const DecodeAttentionView& view) {
    const uint32_t group = view.rope.heads / view.kv.kv_heads, offset = blockIdx.z * warp_rows;
    return {blockIdx.y * group + offset, min(warp_rows, group - offset), blockIdx.y};
}

template <int dims>
struct Shared {
    float queries[warp_rows][dims];
    float sums[warps][warp_rows][dims];
    float2 states[warps][warp_rows];
    bool last;
};

// Each warp one head: the queries, rotated, into shared memory; the block with the newest key's place in its
// range stores that key and its value.
template <int dims>
__device__ void prepare_heads(const DecodeAttentionView& view, const Heads& heads, uint32_t position,
                              bool stores, Shared<dims>& shared) {
    const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32, dim = view.kv.head_dim;
    const bool is_query = warp < heads.count, is_key = warp == warp_rows, is_value = warp == warp_rows + 1;
    if (!is_query && !(stores && (is_key || is_value))) return;
    const float* source = is_query ? view.q + size_t(heads.first + warp) * dim
                                   : (is_key ? view.k : view.v) + size_t(heads.kv_head) * dim;
    float* head = is_query ? shared.queries[warp] : shared.sums[warp][0]; // not yet in use
    for (uint32_t j = lane; j < dim; j += 32) head[j] = source[j];
    __syncwarp();
    if (view.k && !is_value) {
        const NormView& norm = is_query ? view.rope.q_norm : view.rope.k_norm;
        if (norm.weight) norm_head(norm, dim, head);
        rotate(view.rope, position, dim, head);
    }
    if (!is_query) {
        uint8_t* rows = is_key ? view.kv.keys : view.kv.values;
        store_head(view.kv, head, rows + head_place(view.kv, position, heads.kv_head));
    }
}

// A softmax-weighted sum under way: four values of one head.
struct Merged {
    float values[4] = {};
    float largest = -INFINITY, total = 0.0f;
};

// Adds up `count` of them; part(i) gives the state and the four values of one.
template <class Part>
__device__ Merged merge(uint32_t count, Part&& part) {
    Merged merged;
    float4 values;
    for (uint32_t i = 0; i < count; ++i) merged.largest = fmaxf(merged.largest, part(i, nullptr).x);
#pragma unroll 8
    for (uint32_t i = 0; i < count; ++i) {
        const float2 state = part(i, &values);
        const float weight = state.x == -INFINITY ? 0.0f : expf(state.x - merged.largest);
        merged.total += weight * state.y;
        merged.values[0] += weight * values.x, merged.values[1] += weight * values.y;
        merged.values[2] += weight * values.z, merged.values[3] += weight * values.w;
    }
    return merged;
}

// Whether this block is the last of those that share its heads; then all their parts are visible.
__device__ bool is_last(const DecodeAttentionView& view, bool& shared) {
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        uint32_t& counter = view.counters[blockIdx.y * gridDim.z + blockIdx.z];
        shared = atomicAdd(&counter, 1u) == view.parts - 1;
        if (shared) counter = 0;
    }
    __syncthreads();
    __threadfence();
    return shared;
}

template <int V, bool whole_f16>
__global__ __launch_bounds__(warps *
                             32) void decode_attention(const __grid_constant__ DecodeAttentionView view,
                                                       const __grid_constant__ RoundingView rounding,
                                                       const __grid_constant__ ActivationView out) {
    __shared__ Shared<V * 32> shared;
    begin();
    const uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32, dim = view.kv.head_dim;
    const uint32_t position = step_position(view.rope.position), end = position + 1;
    const uint32_t first_key = first_seen(view.window, end);
    const uint32_t steps = (end - first_key + warp_keys - 1) / warp_keys, ranges = view.parts * warps;
    const uint32_t each = (steps + ranges - 1) / ranges * warp_keys;
    const uint32_t block_key = first_key + blockIdx.x * warps * each;
    const bool stores = view.k && block_key < end && end <= block_key + warps * each;
    const Heads heads = block_heads(view);
    prepare_heads(view, heads, position, stores, shared);
    __syncthreads();

    float queries[warp_rows][V];
#pragma unroll
    for (uint32_t r = 0; r < warp_rows; ++r) {
#pragma unroll
        for (uint32_t i = 0; i < V; ++i) {
            const bool there = r < heads.count && lane * V + i < dim;
            queries[r][i] = there ? shared.queries[r][lane * V + i] * view.scale : 0.0f;
        }
    }
    AttentionRows<V> rows;
    const uint32_t start = block_key + warp * each;
    attend<V, whole_f16>(view.kv, heads.kv_head, queries, {start, min(end, start + each)}, {first_key, end},
                         rows);
#pragma unroll
    for (uint32_t r = 0; r < warp_rows; ++r) {
#pragma unroll
        for (uint32_t i = 0; i < V; ++i) shared.sums[warp][r][lane * V + i] = rows.sums[r][i];
        if (lane == r) shared.states[warp][r] = make_float2(rows.largest, rows.total);
    }
    __syncthreads();

    // A warp takes a run of 128 columns of the block's heads, four a lane.
    const uint32_t column = warp * run_columns + lane * 4, row = column / dim, j = column % dim;
    const bool has_run = column < heads.count * dim; // whole warps
    Merged merged;
    if (has_run) {
        merged = merge(warps, [&](uint32_t i, float4* values) {
            if (values) *values = *reinterpret_cast<const float4*>(&shared.sums[i][row][j]);
            return shared.states[i][row];
        });
    }
    if (view.parts > 1) {
        const size_t place = size_t(heads.first + row) * view.parts;
        if (has_run) {
            float4* sums = reinterpret_cast<float4*>(view.sums + (place + blockIdx.x) * dim + j);
            __stcg(sums, make_float4(merged.values[0], merged.values[1], merged.values[2], merged.values[3]));
            if (j == 0) __stcg(view.states + place + blockIdx.x, make_float2(merged.largest, merged.total));
        }
        if (!is_last(view, shared.last)) return;
        if (has_run) {
            merged = merge(view.parts, [&](uint32_t i, float4* values) {
                if (values)
                    *values = __ldcg(reinterpret_cast<const float4*>(view.sums + (place + i) * dim + j));
                return __ldcg(view.states + place + i);
            });
        }
    }
    if (!has_run) return;
    float v[4];
    for (int e = 0; e < 4; ++e) v[e] = merged.values[e] / merged.total;
    finish_run(out, rounding, 0, heads.first * dim + column, v);
}

uint32_t row_groups(uint32_t heads, uint32_t kv_heads) {
    return (heads / kv_heads + warp_rows - 1) / warp_rows;
}

template <int V>
auto choose(const KvView& kv) {
    return kv.format == KvFormat::f16 && kv.head_dim % V == 0 ? decode_attention<V, true>
                                                              : decode_attention<V, false>;
}

} // namespace

bool decode_attention_fits(uint32_t heads, const KvView& kv, const RoundingView& rounding) {
    const uint32_t group = heads / kv.kv_heads, together = std::min(group, warp_rows);
    return group % together == 0 && kv.head_dim % 4 == 0 && together * kv.head_dim % run_columns == 0 &&
           kv.head_dim <= max_attention_dim && !rounding.needs_row_amax();
}

uint32_t decode_length_class(uint32_t length) {
    return std::clamp(std::bit_ceil(length), block_keys, block_keys * most_parts);
}

uint32_t decode_attention_parts(uint32_t length_class, uint32_t heads, uint32_t kv_heads, int processors) {
    const uint32_t side_by_side = kv_heads * row_groups(heads, kv_heads);
    const uint32_t room = std::max(static_cast<uint32_t>(processors) / side_by_side, 1u);
    return std::min({length_class / block_keys, room, most_parts});
}

uint32_t decode_attention_counters(uint32_t heads, uint32_t kv_heads) {
    return kv_heads * row_groups(heads, kv_heads);
}

cudaError_t launch_decode_attention(const DecodeAttentionView& attention, const RoundingView& rounding,
                                    const ActivationView& out, cudaStream_t stream) {
    const KvView& kv = attention.kv;
    const dim3 grid(attention.parts, kv.kv_heads, row_groups(attention.rope.heads, kv.kv_heads));
    const auto kernel = kv.head_dim <= 64    ? choose<2>(kv)
                        : kv.head_dim <= 128 ? choose<4>(kv)
                                             : choose<8>(kv);
    return launch(kernel, grid, warps * 32, 0, stream, attention, rounding, out);
}

} // namespace fp4::cuda
