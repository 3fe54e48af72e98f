#include <algorithm>
#include <bit>

#include "cuda/device/attention_matrix.h"
#include "cuda/device/last_block.h"
#include "cuda/device/launch.h"
#include "cuda/device/rope_head.h"
#include "cuda/device/row_output.h"
#include "cuda/kernels/attention.h"
#include "cuda/kernels/decode_attention.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t warps = 8;        // of a block: neighbouring ranges of the keys
constexpr uint32_t block_keys = 128; // a block's least: 16 a warp
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
    Rotation rotations[dims / 2];
    float queries[warp_rows][dims];
    float newest[2][dims];         // key and value
    uint4 newest_f16[2][dims / 8]; // as the cache has them
    float sums[warps][warp_rows][dims];
    float2 states[warps][warp_rows];
};

// Each warp one head: the queries, rotated, into shared memory; the block with the newest key's place in its
// range stores that key and its value.
template <int dims>
__device__ void prepare_heads(const DecodeAttentionView& view, const Heads& heads, uint32_t position,
                              bool stores, bool rehearsal, Shared<dims>& shared) {
    const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32, dim = view.kv.head_dim;
    const bool is_query = warp < heads.count, is_key = warp == warp_rows, is_value = warp == warp_rows + 1;
    if (!is_query && !(stores && (is_key || is_value))) return;
    const float* source = is_query ? view.q + size_t(heads.first + warp) * dim
                                   : (is_key ? view.k : view.v) + size_t(heads.kv_head) * dim;
    float* head = is_query ? shared.queries[warp] : shared.newest[is_value];
    for (uint32_t j = lane; j < dim; j += 32) head[j] = rehearsal ? 0.0f : source[j];
    __syncwarp();
    if (!is_value) {
        const NormView& norm = is_query ? view.rope.q_norm : view.rope.k_norm;
        if (norm.weight) norm_head(norm, dim, head);
        rotate_head(view.rope, shared.rotations, dim, head);
    }
    if (!is_query && view.kv.format == KvFormat::f16)
        store_head(view.kv, head, reinterpret_cast<uint8_t*>(shared.newest_f16[is_value]));
    if (!is_query && !rehearsal) {
        uint8_t* rows = is_key ? view.kv.keys : view.kv.values;
        store_head(view.kv, head, rows + head_place(view.kv, position, heads.kv_head));
    }
}

// Queries that are rotated already.
template <int dims>
__device__ void copy_queries(const DecodeAttentionView& view, const Heads& heads, Shared<dims>& shared) {
    const uint32_t warp = threadIdx.x / 32, dim = view.kv.head_dim;
    if (warp >= heads.count) return;
    for (uint32_t j = threadIdx.x % 32; j < dim; j += 32)
        shared.queries[warp][j] = view.q[size_t(heads.first + warp) * dim + j];
}

// A softmax-weighted sum under way: four values of one head.
struct Merged {
    float values[4] = {};
    float largest = -INFINITY, total = 0.0f;
};

// Adds up `count` parts of each of the block's heads. state(part, r) is of head r; values(part) are this
// lane's, of head `row`. By whole warps, each for itself: a lane weighs parts lane / 4 and lane / 4 + 8 of
// head lane % 4.
template <class State, class Values>
__device__ Merged merge(uint32_t count, uint32_t row, State&& state, Values&& values) {
    static_assert(warp_rows == 4 && most_parts == 16 && warps <= most_parts);
    const uint32_t part = threadIdx.x % 32 / warp_rows, head = threadIdx.x % warp_rows;
    const float2 none = make_float2(-INFINITY, 0.0f);
    const float2 first = part < count ? state(part, head) : none;
    const float2 second = part + 8 < count ? state(part + 8, head) : none;
    const float largest = row_max(fmaxf(first.x, second.x));
    const float first_weight = first.x == -INFINITY ? 0.0f : expf(first.x - largest);
    const float second_weight = second.x == -INFINITY ? 0.0f : expf(second.x - largest);
    const float total = row_sum(first_weight * first.y + second_weight * second.y);
    Merged merged;
    merged.largest = __shfl_sync(all_lanes, largest, row);
    merged.total = __shfl_sync(all_lanes, total, row);
#pragma unroll 8
    for (uint32_t i = 0; i < count; ++i) {
        const float weight =
            __shfl_sync(all_lanes, i < 8 ? first_weight : second_weight, i % 8 * warp_rows + row);
        const float4 v = values(i);
        merged.values[0] += weight * v.x, merged.values[1] += weight * v.y;
        merged.values[2] += weight * v.z, merged.values[3] += weight * v.w;
    }
    return merged;
}

template <int V, class Attention>
__global__ __launch_bounds__(warps *
                             32) void decode_attention(const __grid_constant__ DecodeAttentionView view,
                                                       const __grid_constant__ RoundingView rounding,
                                                       const __grid_constant__ ActivationView out) {
    __shared__ Shared<V * 32> shared;
    // The position, and all of the cache but the newest row, were there before this pass (kernels/embed.cu):
    // with rope, whose rotation and first keys need nothing else, the previous kernel is waited for late.
    const bool with_rope = view.k;
    if (!with_rope) begin();
    const uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32, dim = view.kv.head_dim;
    const uint32_t position = step_position(view.rope.position), end = position + 1;
    const uint32_t first_key = first_seen(view.window, end);
    const uint32_t steps = (end - first_key + Attention::step_keys - 1) / Attention::step_keys,
                   ranges = view.parts * warps;
    const uint32_t each = (steps + ranges - 1) / ranges * Attention::step_keys;
    const uint32_t block_key = first_key + blockIdx.x * warps * each;
    const bool stores = position - block_key < warps * each; // the newest key is in this block's range
    const Heads heads = block_heads(view);
    const uint32_t start = block_key + warp * each;
    const KeyRange range{start, min(end, start + each)};
    if (with_rope) {
        compute_rotations(view.rope, position, dim, shared.rotations);
        __syncthreads();
    }

    // Twice the same code. The first pass, while the previous kernel still runs, stores nothing: it fetches
    // instructions, arguments and keys, for which the second would wait several times as long as it computes,
    // as the memory is busy with the next kernel's weights.
#pragma unroll 1
    for (uint32_t pass = with_rope ? 0 : 1; pass < 2; ++pass) {
        const bool rehearsal = pass == 0;
        Attention rows;
        rows.load(view.kv, heads.kv_head, range);
        if (with_rope) {
            if (!rehearsal) begin();
            prepare_heads(view, heads, position, stores, rehearsal, shared);
        } else {
            copy_queries(view, heads, shared);
        }
        __syncthreads();
        if (with_rope) rows.set_newest(range, position, shared.newest_f16[0], shared.newest_f16[1], dim);
        rows.set_queries([&](uint32_t r) { return r < heads.count ? shared.queries[r] : nullptr; },
                         view.scale, dim);
        const KeyRange attended{start, rehearsal ? min(range.end, start + Attention::step_keys) : range.end};
        rows.attend(view.kv, heads.kv_head, attended, {first_key, end});
        rows.store([&](uint32_t r, uint32_t j, float a,
                       float b) { *reinterpret_cast<float2*>(&shared.sums[warp][r][j]) = make_float2(a, b); },
                   [&](uint32_t r, float largest, float total) {
                       shared.states[warp][r] = make_float2(largest, total);
                   });
        __syncthreads();

        // A warp takes a run of 128 columns of the block's heads, four a lane.
        const uint32_t column = warp * run_columns + lane * 4, row = column / dim, j = column % dim;
        const bool has_run = column < heads.count * dim; // whole warps
        Merged merged;
        if (has_run) {
            merged = merge(
                warps, row, [&](uint32_t i, uint32_t r) { return shared.states[i][r]; },
                [&](uint32_t i) { return *reinterpret_cast<const float4*>(&shared.sums[i][row][j]); });
        }
        if (view.parts > 1 && !rehearsal) {
            const size_t place = size_t(heads.first + row) * view.parts;
            if (has_run) {
                float4* sums = reinterpret_cast<float4*>(view.sums + (place + blockIdx.x) * dim + j);
                __stcg(sums,
                       make_float4(merged.values[0], merged.values[1], merged.values[2], merged.values[3]));
                if (j == 0)
                    __stcg(view.states + place + blockIdx.x, make_float2(merged.largest, merged.total));
            }
            if (!is_last_block(view.counters[blockIdx.y * gridDim.z + blockIdx.z], view.parts)) return;
            if (has_run) {
                const size_t head = size_t(heads.first) * view.parts;
                merged = merge(
                    view.parts, row,
                    [&](uint32_t i, uint32_t r) {
                        return r < heads.count ? __ldcg(view.states + head + r * view.parts + i)
                                               : make_float2(-INFINITY, 0.0f);
                    },
                    [&](uint32_t i) {
                        return __ldcg(reinterpret_cast<const float4*>(view.sums + (place + i) * dim + j));
                    });
            }
        }
        if (!has_run) continue;
        float v[4];
        const float inverse = 1.0f / merged.total;
        for (int e = 0; e < 4; ++e) v[e] = merged.values[e] * inverse;
        finish_run(out, rounding, 0, rehearsal ? no_column : heads.first * dim + column, v);
    }
}

uint32_t row_groups(uint32_t heads, uint32_t kv_heads) {
    return (heads / kv_heads + warp_rows - 1) / warp_rows;
}

template <int V>
auto choose(const KvView& kv) {
    return attends_by_matrix(kv) ? decode_attention<V, MatrixAttention<V>>
                                 : decode_attention<V, RowAttention<V>>;
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
