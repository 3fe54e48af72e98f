// What a warp of a mat-vec does: 16 rows of a packed weight times up to eight tokens, over its share of the
// columns, on tensor cores with the weights as operand A.
#pragma once

#include "cuda/device/launch.h"
#include "cuda/device/matvec_inputs.h"
#include "cuda/device/matvec_weights.h"

namespace fp4::cuda {

// By group, rows g and g + 8: of token t, or of tokens 2 t and 2 t + 1.
template <class Columns>
using Sums = float[Columns::groups][2][Columns::lane_tokens];

// half_done(i) is called once columns 128 i to 128 i + 127 are multiplied.
template <bool nv, class Columns, class HalfDone>
__device__ void multiply_chunk(const Inputs<Columns>& inputs, const Chunk& weights, Sums<Columns>& sums,
                               HalfDone&& half_done) {
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
        if (tile % 2 == 1) half_done(tile / 2);
    }
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
    auto weights_by = [&]<bool halves>(Chunk& weights, uint32_t later) {
        return ChunkWeights<halves>{.chunk = weights,
                                    .later_codes = chunk_codes(tiles, later),
                                    .later_scales = chunk_scales<nv>(tiles, later),
                                    .reload = later < end,
                                    .never = view.n == 0};
    };
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
            multiply_one<nv>(weights_by.template operator() < Columns::ahead != 1 || !nv > (weights, later),
                             stages[stage].parts, stages[stage].scales, operands, one_sums);
            stage = stage + 1 == Columns::stages ? 0 : stage + 1;
        } else if constexpr (Columns::by_halves) {
            const auto own = weights_by.template operator()<true>(weights, later);
            multiply_chunk<nv, Columns>(inputs_in_memory<Columns>(view, chunk), weights, sums,
                                        [&](uint32_t half) { own.half_done(half); });
        } else {
            multiply_chunk<nv, Columns>(inputs_in_memory<Columns>(view, chunk), weights, sums,
                                        [](uint32_t) {});
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
