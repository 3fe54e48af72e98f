#include <cuda_fp16.h>

#include <algorithm>

#include "cuda/device/row_output.h"
#include "cuda/kernels/attention.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t warps = 4;
constexpr uint32_t warp_rows = 2; // rows: the queries of one kv head, head by head and token by token
constexpr uint32_t block_rows = warps * warp_rows;
constexpr uint32_t chunk = 32; // keys at a time, one a lane
constexpr uint32_t combine_threads = 128;

// Heads of `chunk` tokens as float32 [chunk][dim + 1]; zero from `end` on.
__device__ void stage(const KvView& kv, const uint8_t* base, uint32_t kv_head, uint32_t first, uint32_t end,
                      float* target) {
    const uint32_t lane = threadIdx.x % 32, dim = kv.head_dim;
#pragma unroll 4
    for (uint32_t key = threadIdx.x / 32; key < chunk; key += warps) {
        float* row = target + key * (dim + 1);
        const uint8_t* head = base + head_place(kv, first + key, kv_head);
        if (first + key >= end) {
            for (uint32_t j = lane; j < dim; j += 32) row[j] = 0.0f;
        } else if (kv.format == KvFormat::f16) {
            for (uint32_t j = 2 * lane; j < dim; j += 64) {
                const float2 pair = __half22float2(*reinterpret_cast<const __half2*>(head + 2 * j));
                row[j] = pair.x, row[j + 1] = pair.y;
            }
        } else {
            for (uint32_t j = lane; j < dim; j += 32) row[j] = kv_element(kv, head, j);
        }
    }
}

__device__ float dot(const float* a, const float* b, uint32_t dim) {
    float sums[4] = {};
    uint32_t j = 0;
    for (; j + 4 <= dim; j += 4)
        for (uint32_t e = 0; e < 4; ++e) sums[e] += a[j + e] * b[j + e];
    for (; j < dim; ++j) sums[0] += a[j] * b[j];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

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
    row.end = attention.position + row.token + 1;
    row.begin = attention.window != 0 && row.end > attention.window ? row.end - attention.window : 0;
    return row;
}

// Keys of split `split` out of those any row of the block sees.
struct KeyRange {
    uint32_t begin, end;
};
__device__ KeyRange split_range(const AttentionView& attention, const KvView& kv, uint32_t first_row) {
    const uint32_t group = attention.heads / kv.kv_heads;
    const uint32_t last_row = min(first_row + block_rows, attention.n * group) - 1;
    const uint32_t begin = row_at(attention, kv, first_row).begin / chunk * chunk;
    const uint32_t end = row_at(attention, kv, last_row).end;
    const uint32_t chunks = (end - begin + chunk - 1) / chunk;
    const uint32_t each = (chunks + attention.splits - 1) / attention.splits * chunk;
    const uint32_t start = begin + blockIdx.z * each;
    return {start, min(end, start + each)};
}

// slots: values of a head a lane holds, at least head_dim / 32
template <int slots>
__global__ __launch_bounds__(warps * 32) void attention_parts(AttentionView attention, const float* q,
                                                              KvView kv) {
    extern __shared__ float memory[];
    const uint32_t dim = kv.head_dim, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const uint32_t first_row = blockIdx.x * block_rows;
    float* queries = memory;                   // [block_rows][dim]
    float* staged = memory + block_rows * dim; // [chunk][dim + 1]
    for (uint32_t r = warp; r < block_rows; r += warps) {
        const Row row = row_at(attention, kv, first_row + r);
        const float* source = q + (size_t(row.token) * attention.heads + row.head) * dim;
        for (uint32_t j = lane; j < dim; j += 32) queries[r * dim + j] = row.end ? source[j] : 0.0f;
    }
    Row rows[warp_rows];
    float sums[warp_rows][slots] = {}, largest[warp_rows], totals[warp_rows] = {};
    for (uint32_t r = 0; r < warp_rows; ++r) {
        rows[r] = row_at(attention, kv, first_row + warp * warp_rows + r);
        largest[r] = -INFINITY;
    }
    const KeyRange range = split_range(attention, kv, first_row);
    for (uint32_t first = range.begin; first < range.end; first += chunk) {
        __syncthreads(); // the last chunk's values have been read
        stage(kv, kv.keys, blockIdx.y, first, range.end, staged);
        __syncthreads();
        float weights[warp_rows];
        for (uint32_t r = 0; r < warp_rows; ++r) {
            const uint32_t key = first + lane;
            const bool seen = key >= rows[r].begin && key < min(rows[r].end, range.end);
            const float* query = queries + (warp * warp_rows + r) * dim;
            const float score =
                seen ? dot(query, staged + lane * (dim + 1), dim) * attention.scale : -INFINITY;
            const float top = fmaxf(largest[r], warp_max(score));
            // Nothing seen so far: no score to subtract.
            weights[r] = seen ? expf(score - top) : 0.0f;
            const float shrink = largest[r] == -INFINITY ? 0.0f : expf(largest[r] - top);
            totals[r] = totals[r] * shrink + warp_sum(weights[r]);
            for (float& sum : sums[r]) sum *= shrink;
            largest[r] = top;
        }
        __syncthreads(); // all keys have been read
        stage(kv, kv.values, blockIdx.y, first, range.end, staged);
        __syncthreads();
        for (uint32_t key = 0; key < chunk; ++key) {
            float value[slots];
            for (int i = 0; i < slots; ++i)
                value[i] = lane + 32 * i < dim ? staged[key * (dim + 1) + lane + 32 * i] : 0.0f;
            for (uint32_t r = 0; r < warp_rows; ++r) {
                const float weight = __shfl_sync(all_lanes, weights[r], key);
                for (int i = 0; i < slots; ++i) sums[r][i] += weight * value[i];
            }
        }
    }
    for (uint32_t r = 0; r < warp_rows; ++r) {
        if (rows[r].end == 0) continue;
        const size_t place =
            (size_t(rows[r].token) * attention.heads + rows[r].head) * attention.splits + blockIdx.z;
        for (int i = 0; i < slots; ++i)
            if (lane + 32 * i < dim) attention.sums[place * dim + lane + 32 * i] = sums[r][i];
        if (lane == 0) attention.states[place] = make_float2(largest[r], totals[r]);
    }
}

// softmax-weighted mean of a head's value j over all splits
__device__ float combined(const AttentionView& attention, uint32_t dim, size_t head, uint32_t j) {
    const float2* states = attention.states + head * attention.splits;
    const float* sums = attention.sums + head * attention.splits * dim + j;
    float largest = -INFINITY;
    for (uint32_t s = 0; s < attention.splits; ++s) largest = fmaxf(largest, states[s].x);
    float sum = 0.0f, total = 0.0f;
    for (uint32_t s = 0; s < attention.splits; ++s) {
        const float weight = expf(states[s].x - largest);
        total += weight * states[s].y;
        sum += weight * sums[size_t(s) * dim];
    }
    return sum / total;
}

__global__ __launch_bounds__(combine_threads) void attention_combine(AttentionView attention, uint32_t dim,
                                                                     RoundingView rounding,
                                                                     ActivationView out) {
    const uint32_t lane = threadIdx.x % 32, row = blockIdx.y;
    const uint32_t column = (blockIdx.x * (combine_threads / 32) + threadIdx.x / 32) * run_columns + lane * 4;
    if (column >= out.pitch()) return; // whole warps
    float v[4] = {};
    for (uint32_t e = 0; e < 4; ++e) {
        if (column + e < out.cols) {
            const size_t head = size_t(row) * attention.heads + (column + e) / dim;
            v[e] = combined(attention, dim, head, (column + e) % dim);
        }
    }
    finish_run(out, rounding, row, column, v);
}

} // namespace

uint32_t attention_splits(uint32_t n, uint32_t position, uint32_t heads, uint32_t kv_heads, int processors) {
    const uint32_t blocks = (n * (heads / kv_heads) + block_rows - 1) / block_rows * kv_heads;
    const uint32_t wanted = std::max(4 * static_cast<uint32_t>(processors) / blocks, 1u);
    const uint32_t most = std::max((position + n) / (2 * chunk), 1u); // each worth its start
    return std::min(wanted, most);
}

cudaError_t launch_attention_parts(const AttentionView& attention, const float* q, const KvView& kv,
                                   cudaStream_t stream) {
    const uint32_t rows = attention.n * (attention.heads / kv.kv_heads), dim = kv.head_dim;
    const dim3 grid((rows + block_rows - 1) / block_rows, kv.kv_heads, attention.splits);
    const size_t shared = (block_rows * dim + chunk * (dim + 1)) * sizeof(float); // at most 41 KB
    const auto kernel = dim <= 64 ? attention_parts<2> : dim <= 128 ? attention_parts<4> : attention_parts<8>;
    kernel<<<grid, warps * 32, shared, stream>>>(attention, q, kv);
    return cudaGetLastError();
}

cudaError_t launch_attention_combine(const AttentionView& attention, uint32_t head_dim,
                                     const RoundingView& rounding, const ActivationView& out,
                                     cudaStream_t stream) {
    constexpr uint32_t block_columns = combine_threads / 32 * run_columns;
    const dim3 grid((out.pitch() + block_columns - 1) / block_columns, attention.n);
    attention_combine<<<grid, combine_threads, 0, stream>>>(attention, head_dim, rounding, out);
    return cudaGetLastError();
}

} // namespace fp4::cuda
