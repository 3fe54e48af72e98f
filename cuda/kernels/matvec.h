// out = x W^T + bias for a few tokens and packed weights: tensor cores with the weights as operand A, so that
// dequantizing is the only work per weight. For one token the gate and up products of a feed-forward layer can
// end in its activation, transformed and rounded for the next product.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/kernels/linear_plain.h"

namespace fp4::cuda {

inline constexpr uint32_t matvec_tokens = 8; // of one launch
inline constexpr uint32_t matvec_targets = 4;
inline constexpr uint32_t matvec_warps = 8; // of a block, at most

struct MatvecTarget {
    WeightView weight; // all of one launch: packed, the same format and columns
    LinearOutput output;
};

// How the work is cut. A block has k_warps x row_warps warps: row_warps tiles of 16 rows, whose columns
// k_warps warps share; splits blocks share the columns of the same rows.
struct MatvecPlan {
    uint32_t k_warps = 4;
    uint32_t row_warps = 1;
    uint32_t splits = 1;
};

struct MatvecScratch {
    float* sums = nullptr;        // matvec_scratch_floats()
    uint32_t* counters = nullptr; // matvec_groups(), zero; zero again afterwards
};

// Weights that the next product of the step reads: brought into the second-level cache while the small
// kernels between the two leave the memory idle.
struct Prefetch {
    const uint8_t* data = nullptr; // aligned to 16 bytes, as is the size
    uint32_t bytes = 0;
};
inline constexpr uint32_t prefetch_ranges = 2 * matvec_targets; // codes and scales

// What becomes of the outputs of gate and up, targets 0 and 1, in place of storing them.
struct MatvecGlu {
    GluKind kind = GluKind::silu;
    RoundingView rounding;
    ActivationView out;
};

struct MatvecView {
    MatvecTarget targets[matvec_targets];
    uint32_t first_group[matvec_targets] = {}; // block index where a target's rows start
    uint32_t target_count = 0;
    ActivationView input;
    uint32_t first_token = 0; // a multiple of part_tokens
    uint32_t n = 0;           // tokens from there on, at most matvec_tokens
    MatvecPlan plan;
    MatvecScratch scratch; // splits > 1
    Prefetch ahead[prefetch_ranges];
};

MatvecPlan plan_matvec(uint32_t row_tiles, uint32_t cols, int processors);

// Fills first_group; the number of blocks side by side.
uint32_t matvec_groups(MatvecView& view);
inline size_t matvec_scratch_floats(const MatvecPlan& plan, uint32_t groups) {
    return size_t(groups) * plan.splits * plan.row_warps * tile_rows * matvec_tokens;
}

// Gate and up with their activation: whether a block can finish it, how the work is cut (half of the row
// warps take gate, half up), and the launch. For one token.
bool matvec_glu_fits(const MatvecView& view, const RoundingView& rounding);
MatvecPlan plan_matvec_glu(const MatvecView& view, const RoundingView& rounding, int processors);
cudaError_t launch_matvec_glu(const MatvecView& view, const MatvecGlu& glu, cudaStream_t stream);

cudaError_t launch_matvec(const MatvecView& view, uint32_t groups, cudaStream_t stream);

} // namespace fp4::cuda
