#include <algorithm>

#include "cuda/device/copy_async.h"
#include "cuda/device/launch.h"
#include "cuda/device/one_token.h"
#include "cuda/kernels/matvec.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t tile_outputs = tile_rows * part_tokens;

// What a lane holds of 16 rows x 256 columns.
struct Chunk {
    uint4 codes[4]; // one for 64 columns
    uint4 scales;   // two bytes for 32 columns: rows g and g + 8
};

struct Tiles { // 16 rows of a weight
    const uint4* codes;
    const uint4* scales;
    uint32_t tiles, chunks; // along the columns
};

template <bool nv>
__device__ Tiles tiles_of(const WeightView& weight, uint32_t row_tile) {
    Tiles tiles;
    tiles.tiles = (weight.cols + tile_columns - 1) / tile_columns;
    tiles.chunks = (weight.cols + chunk_columns - 1) / chunk_columns;
    const uint32_t lane = threadIdx.x % 32;
    tiles.codes = reinterpret_cast<const uint4*>(weight.codes) + size_t(row_tile) * tiles.tiles * 32 + lane;
    tiles.scales = reinterpret_cast<const uint4*>(weight.scales) +
                   size_t(row_tile) * tiles.chunks * (nv ? 16 : 8) + (nv ? lane / 2 : lane / 4);
    return tiles;
}

template <bool nv>
__device__ void load_chunk(const Tiles& tiles, uint32_t chunk, Chunk& result) {
    const uint4* codes = tiles.codes + chunk * 128;
    if (chunk * 4 + 4 <= tiles.tiles) {
        for (uint32_t i = 0; i < 4; ++i) result.codes[i] = load_once(codes + i * 32);
    } else { // the last columns
        for (uint32_t i = 0; i < 4; ++i)
            result.codes[i] = chunk * 4 + i < tiles.tiles ? load_once(codes + i * 32) : uint4{};
    }
    result.scales = load_once(tiles.scales + chunk * (nv ? 16 : 8));
}

// A chunk in registers as multiply_one() reads it.
struct ChunkWeights {
    const Chunk& chunk;
    __device__ const uint4& codes(uint32_t tile) const { return chunk.codes[tile]; }
    __device__ const uint4& nv_scales() const { return chunk.scales; }
    __device__ uint32_t mx_scales(uint32_t run) const { // run % 4 is the lane's t
        const uint32_t t = threadIdx.x % 4;
        const uint32_t word =
            run < 4 ? (t < 2 ? chunk.scales.x : chunk.scales.y) : (t < 2 ? chunk.scales.z : chunk.scales.w);
        return t % 2 == 0 ? word : word >> 16;
    }
};

// A chunk of one token's input in shared memory: what the warp multiplies with next is on its way while it
// multiplies. Several tokens' would not fit; those warps read it from memory, late.
struct InputStage {
    uint4 parts[chunk_runs * run_vectors];
    float scales[chunk_runs];
};
constexpr uint32_t input_stages = 3;

__device__ void fetch_input(const MatvecView& view, uint32_t chunk, InputStage& stage) {
    const uint32_t lane = threadIdx.x % 32, padded = view.input.padded();
    const auto* parts =
        reinterpret_cast<const uint4*>(view.input.parts + part_place(padded, view.first_token, 0)) +
        chunk * 256 + lane / 8 * 32 + lane % 8;
    copy_async(stage.parts + lane, parts);
    copy_async(stage.parts + 32 + lane, parts + 4 * 32);
    if (lane < chunk_runs / 4)
        copy_async(stage.scales + lane * 4,
                   view.input.part_scales +
                       part_scale_place(padded, view.first_token, chunk * chunk_columns) + lane * 4);
}

// A lane's operands of a chunk, by group of four tokens.
template <int groups>
struct Inputs {
    const uint4* parts[groups];
    float4 scales[groups][2];
};

template <int groups>
__device__ Inputs<groups> inputs_in_memory(const MatvecView& view, uint32_t chunk) {
    const uint32_t lane = threadIdx.x % 32, padded = view.input.padded();
    Inputs<groups> inputs;
    for (int i = 0; i < groups; ++i) {
        const uint32_t row = view.first_token + i * part_tokens;
        // Columns of tokens that are not there may hold anything, they touch no other column: they read the
        // first token's again, which costs no traffic.
        const uint32_t source = lane / 8 + i * part_tokens < view.n ? lane : lane % 8;
        inputs.parts[i] = reinterpret_cast<const uint4*>(view.input.parts + part_place(padded, row, 0)) +
                          source + chunk * 256;
        const auto* scales = reinterpret_cast<const float4*>(view.input.part_scales +
                                                             part_scale_place(padded, row + lane % 4, 0));
        inputs.scales[i][0] = __ldg(scales + chunk * 8), inputs.scales[i][1] = __ldg(scales + chunk * 8 + 1);
    }
    return inputs;
}

__device__ uint32_t word_of(const uint4& words, uint32_t index) {
    return index == 0 ? words.x : index == 1 ? words.y : index == 2 ? words.z : words.w;
}

template <int groups>
using Sums = float[groups][2]; // of token t: rows g and g + 8

// groups: of four tokens
template <bool nv, int groups>
__device__ void multiply_chunk(const Inputs<groups>& inputs, const Chunk& weights, Sums<groups>& sums) {
#pragma unroll
    for (uint32_t run = 0; run < 8; ++run) { // of 32 columns
        const uint4& codes = weights.codes[run / 2];
        uint32_t first[4], second[4];
        if (run % 2 == 0)
            e2m1_fragments(codes.x, codes.y, first, second);
        else
            e2m1_fragments(codes.z, codes.w, first, second);
        const uint32_t word = word_of(weights.scales, run / 2), byte = run % 2 * 2;
        float factors[2] = {1.0f, 1.0f};
        if constexpr (nv) {
            const __half2 upper = e4m3_factor(word, byte), lower = e4m3_factor(word, byte + 1);
            for (int i = 0; i < 4; i += 2) {
                scale_fragment(first[i], upper), scale_fragment(first[i + 1], lower);
                scale_fragment(second[i], upper), scale_fragment(second[i + 1], lower);
            }
        } else {
            factors[0] = e8m0_factor(word, byte), factors[1] = e8m0_factor(word, byte + 1);
        }
        for (int i = 0; i < groups; ++i) {
            const uint4 x = __ldg(inputs.parts[i] + run * 32);
            float products[4] = {};
            mma_f16(products, first, x.x, x.y);
            mma_f16(products, second, x.z, x.w);
            const float4& four = inputs.scales[i][run / 4];
            const float scale = run % 4 == 0   ? four.x
                                : run % 4 == 1 ? four.y
                                : run % 4 == 2 ? four.z
                                               : four.w;
            sums[i][0] += (products[0] + products[1]) * (factors[0] * scale);
            sums[i][1] += (products[2] + products[3]) * (factors[1] * scale);
        }
    }
}

// Output `index` of the block: [row_warps][groups][16 rows][4 tokens]
template <bool nv, int groups>
__device__ void finish(const MatvecView& view, const MatvecTarget& target, uint32_t first_tile,
                       uint32_t index, float sum) {
    const uint32_t tile = index / (groups * tile_outputs), group = index / tile_outputs % groups;
    const uint32_t row = (first_tile + tile) * tile_rows + index % tile_outputs / part_tokens;
    const uint32_t token = group * part_tokens + index % part_tokens;
    if (row >= target.weight.rows || token >= view.n) return;
    sum *= target.weight.tensor_scale / (nv ? e2m1_half_unit * e4m3_half_unit : e2m1_half_unit);
    if (target.output.bias) sum += target.output.bias[row];
    float& out = target.output.out[size_t(view.first_token + token) * target.weight.rows + row];
    out = target.output.accumulate ? out + sum : sum;
}

// Whether this block is the last of the splits of its rows to come here; then all their sums are visible.
__device__ bool is_last(const MatvecView& view) {
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        uint32_t& counter = view.scratch.counters[blockIdx.x];
        last = atomicAdd(&counter, 1u) == view.plan.splits - 1;
        if (last) counter = 0;
    }
    __syncthreads();
    __threadfence();
    return last;
}

// The products of a warp: its chunks of a tile's columns. staged: of one token. begin() is called here, once
// the first weights are under way.
template <bool nv, int groups, bool staged>
__device__ void multiply_tile(const MatvecView& view, const WeightView& weight, uint32_t row_tile,
                              uint32_t k_warp, Sums<groups>& sums) {
    extern __shared__ InputStage all_stages[]; // staged: input_stages of each warp
    InputStage* stages = all_stages + threadIdx.x / 32 * input_stages;
    const uint32_t k_warps = view.plan.k_warps;
    Tiles tiles = {};
    uint32_t chunk = 0, end = 0;
    Chunk even, odd;
    if (row_tile * tile_rows < weight.rows) {
        tiles = tiles_of<nv>(weight, row_tile);
        const uint32_t each = (tiles.chunks + view.plan.splits - 1) / view.plan.splits;
        end = min(tiles.chunks, (blockIdx.y + 1) * each);
        chunk = blockIdx.y * each + k_warp;
        if (chunk < end) load_chunk<nv>(tiles, chunk, even);
        if (chunk + k_warps < end) load_chunk<nv>(tiles, chunk + k_warps, odd);
    }
    begin(); // the first weights come while the previous kernel ends
    if constexpr (staged) {
        for (uint32_t i = 0; i + 1 < input_stages; ++i) {
            if (chunk + i * k_warps < end) fetch_input(view, chunk + i * k_warps, stages[i]);
            commit_copies();
        }
    }
    uint32_t stage = 0;
    RunOperands operands;
    auto multiply = [&](const Chunk& weights) {
        if constexpr (staged) {
            wait_for_copies<input_stages - 2>();
            __syncwarp(); // all lanes' copies have come, and all have read the stage before this one
            const uint32_t free = stage == 0 ? input_stages - 1 : stage - 1;
            const uint32_t later = chunk + (input_stages - 1) * k_warps;
            if (later < end) fetch_input(view, later, stages[free]);
            commit_copies();
            multiply_one<nv>(ChunkWeights{weights}, stages[stage].parts, stages[stage].scales, operands,
                             sums[0]);
            stage = stage + 1 == input_stages ? 0 : stage + 1;
        } else {
            multiply_chunk<nv, groups>(inputs_in_memory<groups>(view, chunk), weights, sums);
        }
        chunk += k_warps;
    };
    // While a chunk is multiplied the next one is under way.
    while (chunk < end) {
        multiply(even);
        if (chunk + k_warps < end) load_chunk<nv>(tiles, chunk + k_warps, even);
        if (chunk >= end) break;
        multiply(odd);
        if (chunk + k_warps < end) load_chunk<nv>(tiles, chunk + k_warps, odd);
    }
    if constexpr (staged) add_up(sums[0]);
}

// The sums of this warp to where the block adds them up: [k_warps][row_warps][groups][16 rows][4 tokens]
template <int groups>
__device__ void store_partial(const MatvecView& view, uint32_t k_warp, uint32_t row_warp,
                              const Sums<groups>& sums, float* partial) {
    const uint32_t lane = threadIdx.x % 32; // 4 g + t
    float* own = partial + (k_warp * view.plan.row_warps + row_warp) * groups * tile_outputs;
    for (int i = 0; i < groups; ++i) {
        own[i * tile_outputs + lane] = sums[i][0];
        own[i * tile_outputs + 32 + lane] = sums[i][1];
    }
}

template <bool nv, int groups, bool staged>
__global__ __launch_bounds__(matvec_warps * 32, 2) void matvec(const __grid_constant__ MatvecView view) {
    __shared__ float partial[matvec_warps * groups * tile_outputs];
    const uint32_t warp = threadIdx.x / 32, k_warps = view.plan.k_warps;
    const uint32_t k_warp = warp % k_warps, row_warp = warp / k_warps;
    uint32_t index = 0;
    while (index + 1 < view.target_count && blockIdx.x >= view.first_group[index + 1]) ++index;
    const MatvecTarget& target = view.targets[index];
    const uint32_t first_tile = (blockIdx.x - view.first_group[index]) * view.plan.row_warps;

    Sums<groups> sums = {};
    multiply_tile<nv, groups, staged>(view, target.weight, first_tile + row_warp, k_warp, sums);
    store_partial<groups>(view, k_warp, row_warp, sums, partial);
    __syncthreads();
    const uint32_t outputs = view.plan.row_warps * groups * tile_outputs;
    float* shared_sums = view.scratch.sums + size_t(blockIdx.x) * view.plan.splits * outputs;
    for (uint32_t i = threadIdx.x; i < outputs; i += blockDim.x) {
        float sum = 0.0f;
        for (uint32_t w = 0; w < k_warps; ++w) sum += partial[w * outputs + i];
        if (view.plan.splits == 1)
            finish<nv, groups>(view, target, first_tile, i, sum);
        else
            __stcg(shared_sums + blockIdx.y * outputs + i, sum);
    }
    if (view.plan.splits == 1 || !is_last(view)) return;
    for (uint32_t i = threadIdx.x; i < outputs; i += blockDim.x) {
        float sum = 0.0f;
        for (uint32_t split = 0; split < view.plan.splits; ++split)
            sum += __ldcg(shared_sums + split * outputs + i);
        finish<nv, groups>(view, target, first_tile, i, sum);
    }
}

uint32_t row_tiles(const WeightView& weight) {
    return (weight.rows + tile_rows - 1) / tile_rows;
}

} // namespace

// Found by measuring: a few chunks for each warp, and warps enough to fill the device.
MatvecPlan plan_matvec(uint32_t row_tiles, uint32_t cols, int processors) {
    const uint32_t chunks = (cols + chunk_columns - 1) / chunk_columns;
    const auto wanted = static_cast<uint32_t>(processors) * 11; // warps
    MatvecPlan plan;
    if (row_tiles >= wanted) { // many rows: a warp takes all columns of its own
        plan.k_warps = 1;
        plan.row_warps = 2;
        return plan;
    }
    plan.k_warps = std::min(chunks, 2u);
    while (plan.k_warps < matvec_warps && 2 * plan.k_warps <= chunks && row_tiles * plan.k_warps < wanted)
        plan.k_warps *= 2;
    plan.splits = std::clamp(wanted / (2 * row_tiles * plan.k_warps), 1u, chunks / plan.k_warps);
    return plan;
}

uint32_t matvec_groups(MatvecView& view) {
    uint32_t groups = 0;
    for (uint32_t i = 0; i < view.target_count; ++i) {
        view.first_group[i] = groups;
        groups += (row_tiles(view.targets[i].weight) + view.plan.row_warps - 1) / view.plan.row_warps;
    }
    return groups;
}

cudaError_t launch_matvec(const MatvecView& view, uint32_t groups, cudaStream_t stream) {
    const bool nv = view.targets[0].weight.format == WeightFormat::nvfp4, two = view.n > part_tokens;
    // Warps that share columns with others of their block find their inputs in the first-level cache.
    const bool staged = view.n == 1 && view.plan.k_warps > 1;
    const auto kernel = nv ? (two      ? matvec<true, 2, false>
                              : staged ? matvec<true, 1, true>
                                       : matvec<true, 1, false>)
                           : (two      ? matvec<false, 2, false>
                              : staged ? matvec<false, 1, true>
                                       : matvec<false, 1, false>);
    const dim3 grid(groups, view.plan.splits);
    const uint32_t warps = view.plan.k_warps * view.plan.row_warps;
    return launch(kernel, grid, warps * 32, staged ? warps * input_stages * sizeof(InputStage) : 0, stream,
                  view);
}

} // namespace fp4::cuda
