#include <algorithm>

#include "cuda/device/attention_matrix.h"
#include "cuda/device/launch.h"
#include "cuda/device/row_output.h"
#include "cuda/kernels/attention.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t warps = 4; // of a block: neighbouring parts of the key range; its rows go head by head,
                              // then token by token
constexpr uint32_t split_keys = 16; // a part's least
constexpr uint32_t most_splits = 64;
constexpr uint32_t combine_threads = 128;

struct Row {
    uint32_t token = 0, head = 0;
    uint32_t begin = 0, end = 0; // keys it sees
};

__device__ Row row_at(const AttentionView& attention, const KvView& kv, uint32_t index) {
    const uint32_t group = attention.heads / kv.kv_heads;
    Row row;
    row.token = index / group;
    if (row.token >= attention.n) return row; // sees nothing
    row.head = blockIdx.y * group + index % group;
    row.end = step_position(attention.position) + row.token + 1;
    row.begin = first_seen(attention.window, row.end);
    return row;
}

// Keys of split `split` out of those any row of the warp sees.
__device__ KeyRange split_range(const AttentionView& attention, const KvView& kv, uint32_t first_row,
                                uint32_t split, uint32_t step_keys) {
    const uint32_t group = attention.heads / kv.kv_heads;
    const uint32_t last_row = min(first_row + warp_rows, attention.n * group) - 1;
    const uint32_t begin = row_at(attention, kv, first_row).begin, end = row_at(attention, kv, last_row).end;
    const uint32_t steps = (end - begin + step_keys - 1) / step_keys;
    const uint32_t each = (steps + attention.splits - 1) / attention.splits * step_keys;
    const uint32_t start = begin + split * each;
    return {start, min(end, start + each)};
}

// A warp takes four rows and one part of the keys.
template <class Attention>
__global__ __launch_bounds__(warps * 32) void attention_parts(AttentionView attention, const float* q,
                                                              KvView kv) {
    begin();
    const uint32_t dim = kv.head_dim, first_row = blockIdx.x * warp_rows;
    const uint32_t split = blockIdx.z * warps + threadIdx.x / 32;
    if (split >= attention.splits) return;
    const KeyRange range = split_range(attention, kv, first_row, split, Attention::step_keys);
    Attention rows;
    rows.load(kv, blockIdx.y, range);
    rows.set_queries(
        [&](uint32_t r) -> const float* {
            const Row row = row_at(attention, kv, first_row + r);
            return row.end ? q + (size_t(row.token) * attention.heads + row.head) * dim : nullptr;
        },
        attention.scale, dim);
    const Row own = row_at(attention, kv, first_row + Attention::own_row());
    rows.attend(kv, blockIdx.y, range, {own.begin, own.end});
    // Where row r's part goes.
    auto place = [&](const Row& row) {
        return (size_t(row.token) * attention.heads + row.head) * attention.splits + split;
    };
    rows.store(
        [&](uint32_t r, uint32_t j, float a, float b) {
            const Row row = row_at(attention, kv, first_row + r);
            if (row.end && j < dim)
                *reinterpret_cast<float2*>(attention.sums + place(row) * dim + j) = make_float2(a, b);
        },
        [&](uint32_t r, float largest, float total) {
            const Row row = row_at(attention, kv, first_row + r);
            if (row.end) attention.states[place(row)] = make_float2(largest, total);
        });
}

// softmax-weighted mean of `count` of a head's values, from value j on, over all splits
template <int count>
__device__ void combine(const AttentionParts& attention, uint32_t dim, size_t head, uint32_t j, float* out) {
    const float2* states = attention.states + head * attention.splits;
    const float* sums = attention.sums + head * attention.splits * dim + j;
    float largest = -INFINITY;
    for (uint32_t s = 0; s < attention.splits; ++s) largest = fmaxf(largest, states[s].x);
    float sum[count] = {}, total = 0.0f;
#pragma unroll 4
    for (uint32_t s = 0; s < attention.splits; ++s) {
        const float weight = expf(states[s].x - largest);
        total += weight * states[s].y;
        for (int e = 0; e < count; ++e) sum[e] += weight * sums[size_t(s) * dim + e];
    }
    for (int e = 0; e < count; ++e) out[e] = sum[e] / total;
}

__global__ __launch_bounds__(combine_threads) void attention_combine(AttentionParts attention, uint32_t dim,
                                                                     RoundingView rounding,
                                                                     ActivationView out) {
    begin();
    const uint32_t lane = threadIdx.x % 32, row = blockIdx.y;
    const uint32_t column = (blockIdx.x * (combine_threads / 32) + threadIdx.x / 32) * run_columns + lane * 4;
    if (column >= out.pitch()) return; // whole warps
    float v[4] = {};
    const size_t heads = size_t(row) * attention.heads;
    if (dim % 4 == 0 && column < out.cols) {
        combine<4>(attention, dim, heads + column / dim, column % dim, v);
    } else {
#pragma unroll
        for (uint32_t e = 0; e < 4; ++e) {
            if (column + e < out.cols)
                combine<1>(attention, dim, heads + (column + e) / dim, (column + e) % dim, v + e);
        }
    }
    finish_run(out, rounding, row, column, v);
}

template <int V>
auto choose(const KvView& kv) {
    return attends_by_matrix(kv) ? attention_parts<MatrixAttention<V>> : attention_parts<RowAttention<V>>;
}

} // namespace

uint32_t attention_splits(uint32_t n, uint32_t length, uint32_t heads, uint32_t kv_heads, int processors) {
    const uint32_t rows = (n * (heads / kv_heads) + warp_rows - 1) / warp_rows * kv_heads;
    const uint32_t wanted = std::max(8 * static_cast<uint32_t>(processors) / rows, 1u);
    return std::min({wanted, most_splits, (length + split_keys - 1) / split_keys});
}

cudaError_t launch_attention_parts(const AttentionView& attention, const float* q, const KvView& kv,
                                   cudaStream_t stream) {
    const uint32_t rows = attention.n * (attention.heads / kv.kv_heads), dim = kv.head_dim;
    const dim3 grid((rows + warp_rows - 1) / warp_rows, kv.kv_heads, (attention.splits + warps - 1) / warps);
    const auto kernel = dim <= 64 ? choose<2>(kv) : dim <= 128 ? choose<4>(kv) : choose<8>(kv);
    return launch(kernel, grid, warps * 32, 0, stream, attention, q, kv);
}

cudaError_t launch_attention_combine(const AttentionParts& attention, uint32_t head_dim,
                                     const RoundingView& rounding, const ActivationView& out,
                                     cudaStream_t stream) {
    constexpr uint32_t block_columns = combine_threads / 32 * run_columns;
    const dim3 grid((out.pitch() + block_columns - 1) / block_columns, attention.n);
    return launch(attention_combine, grid, combine_threads, 0, stream, attention, head_dim, rounding, out);
}

} // namespace fp4::cuda
