// What a warp of a mat-vec does: 16 rows of a packed weight times up to eight tokens, over its share of the
// columns, on tensor cores with the weights as operand A.
#pragma once

#include "cuda/device/copy_async.h"
#include "cuda/device/launch.h"
#include "cuda/device/one_token.h"
#include "cuda/kernels/matvec.h"

namespace fp4::cuda {

// What the eight columns of an instruction are: four tokens in two parts each, or, for more tokens, eight in
// their high parts alone. groups: of so many tokens.
template <int groups_, bool two_parts_>
struct TokenColumns {
    static constexpr bool staged = false;
    static constexpr uint32_t ahead = 2; // chunks of a warp's weights under way
    static constexpr int groups = groups_;
    static constexpr bool two_parts = two_parts_;
    static constexpr int tokens = two_parts ? part_tokens : 8; // of a group
    static constexpr int lane_tokens = two_parts ? 1 : 2;      // whose sums a lane has
    static constexpr int outputs = tile_rows * tokens;
};
using FourTokens = TokenColumns<1, true>;
using EightTokens = TokenColumns<1, false>;
using SixteenTokens = TokenColumns<2, false>;
static_assert(matvec_tokens == SixteenTokens::groups * SixteenTokens::tokens);
// One token, whose input comes through shared memory: runs of its columns side by side (one_token.h).
struct OneToken {
    static constexpr bool staged = true;
    static constexpr uint32_t ahead = 2;
    // Chunks of a warp's input that there is room for, and how many of them are under way at first.
    static constexpr uint32_t stages = 3, inputs_ahead = 2;
    static constexpr int groups = 1, tokens = 1, lane_tokens = 1, outputs = tile_rows;
};
// Of at most short_chunks chunks a warp: more blocks at a time are worth more than more loads of each.
inline constexpr uint32_t short_chunks = 2;
struct OneShortToken : OneToken {
    static constexpr uint32_t ahead = 1; // and NVFP4 without halves (ChunkWeights): registers are few
    static constexpr uint32_t stages = short_chunks, inputs_ahead = short_chunks;
};

// What a lane holds of 16 rows x 256 columns.
struct Chunk {
    uint4 codes[4]; // one for 64 columns
    uint4 scales;   // two bytes for 32 columns: rows g and g + 8
};

// What a product reads of a packed weight.
struct PackedRows {
    const uint8_t* codes;
    const uint8_t* scales;
    uint32_t rows;
};
__device__ inline PackedRows packed_rows(const WeightView& weight) {
    return {weight.codes, weight.scales, weight.rows};
}

struct Tiles { // 16 rows of a weight
    const uint4* codes;
    const uint4* scales;
    uint32_t chunks; // along the columns
};

template <bool nv>
__device__ Tiles tiles_of(const PackedRows& weight, uint32_t cols, uint32_t row_tile) {
    Tiles tiles;
    const uint32_t of_row = (cols + tile_columns - 1) / tile_columns;
    tiles.chunks = (cols + chunk_columns - 1) / chunk_columns;
    const uint32_t lane = threadIdx.x % 32;
    tiles.codes = reinterpret_cast<const uint4*>(weight.codes) + size_t(row_tile) * of_row * 32 + lane;
    tiles.scales = reinterpret_cast<const uint4*>(weight.scales) +
                   size_t(row_tile) * tiles.chunks * (nv ? 16 : 8) + (nv ? lane / 2 : lane / 4);
    return tiles;
}

// The last chunk may be a part of one: then codes of other rows, or code_overrun(), come with it, which meet
// zeros of the input.
template <bool nv>
__device__ void load_chunk(const Tiles& tiles, uint32_t chunk, Chunk& result) {
    const uint4* codes = tiles.codes + chunk * 128;
    for (uint32_t i = 0; i < 4; ++i) result.codes[i] = load_once(codes + i * 32);
    result.scales = load_once(tiles.scales + chunk * (nv ? 16 : 8));
}

// A chunk in registers as multiply_one() reads it. Halves that are multiplied make room for those of a later
// chunk at once: what is under way at any time grows by half a chunk without a register more.
// by_halves: else both are loaded together, at the end.
template <bool by_halves>
struct ChunkWeights {
    Chunk& chunk;
    const uint4 *later_codes, *later_scales;
    bool reload; // there is a later chunk
    bool never;  // false, which the compiler cannot know
    __device__ void half_done(uint32_t half) const {
        if (reload && (by_halves || half == 1)) {
            for (uint32_t i = by_halves ? 2 * half : 0; i < 2 * half + 2; ++i)
                chunk.codes[i] = load_once(later_codes + i * 32);
            if (half == 1) chunk.scales = load_once(later_scales);
        }
        // Where a jump might be, the assembler does not move the loads behind the other half.
        if (by_halves && half == 0 && never) __trap();
    }
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
template <class Columns>
constexpr size_t stage_bytes(uint32_t warps) {
    return warps * Columns::stages * sizeof(InputStage);
}

// Where a lane's share of the chunks of its warp comes from, from the warp's first one on, and goes to.
struct InputCopies {
    const uint4* parts;
    const float* scales;
    uint32_t parts_stage, scales_stage; // in shared memory
};
__device__ inline InputCopies input_copies(const MatvecView& view, uint32_t chunk, const InputStage* stages) {
    const uint32_t lane = threadIdx.x % 32;
    InputCopies copies;
    copies.parts = reinterpret_cast<const uint4*>(view.input.parts) + chunk * 256 + lane / 8 * 32 + lane % 8;
    copies.scales = view.input.part_scales + chunk * 32 + lane * 4;
    copies.parts_stage = shared_address(stages->parts + lane);
    copies.scales_stage = shared_address(stages->scales + lane * 4);
    // Computed here, before the previous kernel is waited for, and not where it is used.
    asm volatile(""
                 : "+l"(copies.parts), "+l"(copies.scales), "+r"(copies.parts_stage),
                   "+r"(copies.scales_stage));
    return copies;
}
__device__ inline void fetch_input(const InputCopies& copies, uint32_t chunk, uint32_t stage) {
    const uint32_t offset = stage * sizeof(InputStage);
    copy_async(copies.parts_stage + offset, copies.parts + chunk * 256);
    copy_async(copies.parts_stage + offset + 32 * sizeof(uint4), copies.parts + chunk * 256 + 4 * 32);
    if (threadIdx.x % 32 < chunk_runs / 4)
        copy_async(copies.scales_stage + offset, copies.scales + chunk * 32);
}

// Where a lane finds its operands of a chunk, by group of tokens, and their scales: of token t, or of tokens
// 2 t and 2 t + 1, for eight runs. Places are counted in vectors: pointers would not fit in the registers.
template <class Columns>
struct Inputs {
    const uint4* parts;
    const float2* scales;
    uint32_t part_place[Columns::groups];
    uint32_t scale_place[Columns::groups][Columns::lane_tokens];
};

template <class Columns>
__device__ Inputs<Columns> inputs_in_memory(const MatvecView& view, uint32_t chunk) {
    const uint32_t lane = threadIdx.x % 32, column = lane / 4, t = lane % 4, padded = view.input.padded();
    // Columns of tokens that are not there may hold anything, they touch no other column: they read the first
    // token's again, which costs no traffic.
    auto present = [&](uint32_t token) { return token < view.n ? token : 0; };
    Inputs<Columns> inputs;
    inputs.parts = reinterpret_cast<const uint4*>(view.input.parts);
    inputs.scales = reinterpret_cast<const float2*>(view.input.part_scales);
    for (int i = 0; i < Columns::groups; ++i) {
        const uint32_t first = i * Columns::tokens;
        const uint32_t token = present(first + (Columns::two_parts ? column / 2 : column));
        const uint32_t part = Columns::two_parts ? column % 2 : 0;
        inputs.part_place[i] =
            static_cast<uint32_t>(part_place(padded, token, 0) / 8) + part * 4 + t + chunk * 256;
        for (int e = 0; e < Columns::lane_tokens; ++e) {
            const uint32_t scaled = present(first + Columns::lane_tokens * t + e);
            inputs.scale_place[i][e] =
                static_cast<uint32_t>(part_scale_place(padded, scaled, chunk * chunk_columns) / 2);
        }
    }
    return inputs;
}

// By group, rows g and g + 8: of token t, or of tokens 2 t and 2 t + 1.
template <class Columns>
using Sums = float[Columns::groups][2][Columns::lane_tokens];

template <bool nv, class Columns>
__device__ void multiply_chunk(const Inputs<Columns>& inputs, const Chunk& weights, Sums<Columns>& sums) {
    // Not all at once where sixteen tokens' inputs would take more registers than there are.
#pragma unroll(Columns::groups == 2 ? 1 : 4)
    for (uint32_t tile = 0; tile < 4; ++tile) { // of 64 columns
        const uint4 codes = tile == 0   ? weights.codes[0]
                            : tile == 1 ? weights.codes[1]
                            : tile == 2 ? weights.codes[2]
                                        : weights.codes[3];
        const uint32_t word = word_of(weights.scales, tile);
        float2 scales[Columns::groups][Columns::lane_tokens];
        for (int i = 0; i < Columns::groups; ++i)
            for (int e = 0; e < Columns::lane_tokens; ++e)
                scales[i][e] = __ldg(inputs.scales + inputs.scale_place[i][e] + tile);
#pragma unroll
        for (uint32_t run = 0; run < 2; ++run) { // of 32 columns
            uint32_t first[4], second[4];
            e2m1_fragments(run == 0 ? codes.x : codes.z, run == 0 ? codes.y : codes.w, first, second);
            float factors[2] = {1.0f, 1.0f};
            if constexpr (nv) {
                const __half2 upper = e4m3_factor(word, 2 * run), lower = e4m3_factor(word, 2 * run + 1);
                for (int i = 0; i < 4; i += 2) {
                    scale_fragment(first[i], upper), scale_fragment(first[i + 1], lower);
                    scale_fragment(second[i], upper), scale_fragment(second[i + 1], lower);
                }
            } else {
                factors[0] = e8m0_factor(word, 2 * run), factors[1] = e8m0_factor(word, 2 * run + 1);
            }
            for (int i = 0; i < Columns::groups; ++i) {
                const uint4 x = __ldg(inputs.parts + inputs.part_place[i] + (2 * tile + run) * 32);
                float products[4] = {};
                mma_f16(products, first, x.x, x.y);
                mma_f16(products, second, x.z, x.w);
                for (int row = 0; row < 2; ++row) {
                    for (int e = 0; e < Columns::lane_tokens; ++e) {
                        const float product = Columns::two_parts ? products[2 * row] + products[2 * row + 1]
                                                                 : products[2 * row + e];
                        sums[i][row][e] +=
                            product * (factors[row] * (run == 0 ? scales[i][e].x : scales[i][e].y));
                    }
                }
            }
        }
    }
}

// The norm that the input's row still lacks: its parts come into shared memory while the block multiplies.
struct InputNorm {
    alignas(16) float squares[most_squares];
};

// By one warp.
__device__ inline void fetch_norm(const ActivationView& input, InputNorm& norm) {
    if (!input.norm.squares) return;
#pragma unroll 1
    for (uint32_t i = threadIdx.x % 32 * 4; i < input.cols / square_columns; i += 32 * 4)
        copy_async(norm.squares + i, input.norm.squares + i);
}

// The weight of this block's rows. By comparisons: an index into the arguments would wait for them one after
// the other.
struct BlockTarget {
    uint32_t index = 0, first_group = 0;
    PackedRows weight;
};
__device__ inline BlockTarget block_target(const MatvecView& view) {
    BlockTarget own{0, 0, packed_rows(view.targets[0].weight)};
#pragma unroll
    for (uint32_t i = 1; i < matvec_targets; ++i)
        if (blockIdx.x >= view.first_group[i])
            own = {i, view.first_group[i], packed_rows(view.targets[i].weight)};
    return own;
}

// What a product with that row is to be multiplied with. For the warp that fetched the norm, once all its
// copies have come.
__device__ inline float norm_factor(const ActivationView& input, const InputNorm& norm) {
    if (!input.norm.squares) return 1.0f;
    const uint32_t count = input.cols / square_columns;
    float sum = 0.0f;
#pragma unroll 1 // once, in most models
    for (uint32_t i = threadIdx.x % 32 * 4; i < count; i += 32 * 4) {
        float4 squares = *reinterpret_cast<const float4*>(norm.squares + i);
        // What was copied beyond the last one is nobody's.
        if (i + 1 >= count) squares.y = 0.0f;
        if (i + 2 >= count) squares.z = 0.0f;
        if (i + 3 >= count) squares.w = 0.0f;
        sum += (squares.x + squares.y) + (squares.z + squares.w);
    }
    return 1.0f / sqrtf(warp_sum(sum) / static_cast<float>(input.cols) + input.norm.epsilon);
}

// What the sum of a row's products is the value of, before bias and norm: codes were taken as they are.
template <bool nv>
__device__ float product_scale(const WeightView& weight) {
    return weight.tensor_scale / (nv ? e2m1_half_unit * e4m3_half_unit : e2m1_half_unit);
}

// Where a warp stands in its block: [row_warps][k_warps].
struct WarpPlace {
    uint32_t row_warp, k_warp;
};
__device__ inline WarpPlace warp_place(const MatvecPlan& plan) {
    const uint32_t warp = threadIdx.x / 32;
    return {warp >> (31 - __clz(static_cast<int>(plan.k_warps))), warp & (plan.k_warps - 1)};
}

// The products of a warp: its chunks of a tile's columns. begin() is called here, once the first weights are
// under way, and after_begin() once the inputs are. plan: view.plan, or what of it the kernel knows as
// constants.
template <bool nv, class Columns, class AfterBegin>
__device__ void multiply_tile(const MatvecView& view, const MatvecPlan& plan, const PackedRows& weight,
                              uint32_t row_tile, uint32_t k_warp, Sums<Columns>& sums,
                              AfterBegin&& after_begin) {
    constexpr uint32_t ahead = Columns::ahead;
    extern __shared__ InputStage all_stages[]; // where staged: Columns::stages of each warp
    InputStage* stages = all_stages;
    if constexpr (Columns::staged) stages += threadIdx.x / 32 * Columns::stages;
    const uint32_t k_warps = plan.k_warps;
    Tiles tiles = {};
    uint32_t chunk = 0, end = 0;
    Chunk loaded[ahead];
    if (plan.row_warps == 1 || row_tile * tile_rows < weight.rows) {
        tiles = tiles_of<nv>(weight, view.input.cols, row_tile);
        chunk = k_warp, end = tiles.chunks;
        if (plan.splits > 1) {
            const uint32_t each = (tiles.chunks + plan.splits - 1) / plan.splits;
            chunk = blockIdx.y * each + k_warp, end = min(end, (blockIdx.y + 1) * each);
        }
#pragma unroll
        for (uint32_t i = 0; i < ahead; ++i)
            if (chunk + i * k_warps < end) load_chunk<nv>(tiles, chunk + i * k_warps, loaded[i]);
    }
    InputCopies copies;
    const uint32_t first = chunk;
    if constexpr (Columns::staged) copies = input_copies(view, first, stages);
    begin(); // the first weights come while the previous kernel ends
    if constexpr (Columns::staged) {
#pragma unroll
        for (uint32_t i = 0; i < Columns::inputs_ahead; ++i) {
            if (chunk + i * k_warps < end) fetch_input(copies, i * k_warps, i);
            commit_copies();
        }
    }
    after_begin();
    uint32_t stage = 0;
    RunOperands operands;
    float one_sums[2] = {};
    auto multiply = [&](Chunk& weights) {
        const uint32_t later = chunk + ahead * k_warps;
        if constexpr (Columns::staged) {
            wait_for_copies<Columns::inputs_ahead - 1>();
            __syncwarp(); // all lanes' copies have come, and all have read the stage before this one
            if constexpr (Columns::inputs_ahead < Columns::stages) {
                const uint32_t free = stage == 0 ? Columns::stages - 1 : stage - 1;
                const uint32_t next = chunk + Columns::inputs_ahead * k_warps;
                if (next < end) fetch_input(copies, next - first, free);
            }
            commit_copies();
            const ChunkWeights<Columns::ahead != 1 || !nv> own{
                .chunk = weights,
                .later_codes = tiles.codes + later * 128,
                .later_scales = tiles.scales + later * (nv ? 16 : 8),
                .reload = later < end,
                .never = view.n == 0};
            multiply_one<nv>(own, stages[stage].parts, stages[stage].scales, operands, one_sums);
            stage = stage + 1 == Columns::stages ? 0 : stage + 1;
        } else {
            multiply_chunk<nv, Columns>(inputs_in_memory<Columns>(view, chunk), weights, sums);
            if (later < end) load_chunk<nv>(tiles, later, weights);
        }
        chunk += k_warps;
    };
    // While a chunk is multiplied the next one is under way.
    while (chunk < end) {
#pragma unroll
        for (uint32_t i = 0; i < ahead; ++i) {
            multiply(loaded[i]);
            if (chunk >= end) break;
        }
    }
    if constexpr (Columns::staged) {
        add_up(one_sums);
        sums[0][0][0] = one_sums[0], sums[0][1][0] = one_sums[1];
    }
}

// The sums of this warp to where the block adds them up: [k_warps][row_warps][groups][16 rows][tokens]
template <class Columns>
__device__ void store_partial(const MatvecPlan& plan, uint32_t k_warp, uint32_t row_warp,
                              const Sums<Columns>& sums, float* partial) {
    const uint32_t lane = threadIdx.x % 32, t = lane % 4;
    constexpr int each = Columns::lane_tokens;
    float* own = partial + (k_warp * plan.row_warps + row_warp) * Columns::groups * Columns::outputs;
    if (t * each >= Columns::tokens) return; // all four lanes of a row have the sum of one token
    own += lane / 4 * Columns::tokens + t * each;
    for (int i = 0; i < Columns::groups; ++i)
        for (int row = 0; row < 2; ++row)
            for (int e = 0; e < each; ++e)
                own[i * Columns::outputs + row * Columns::outputs / 2 + e] = sums[i][row][e];
}

// The sums of one output, `stride` apart.
__device__ inline float add_warps(const float* partial, uint32_t k_warps, uint32_t stride) {
    float sum = 0.0f;
    for (uint32_t w = 0; w < k_warps; ++w) sum += partial[w * stride];
    return sum;
}

} // namespace fp4::cuda
