// out = x W^T + bias for a few tokens and packed weights: tensor cores with the weights as operand A, so that
// dequantizing is the only work per weight.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/kernels/linear_plain.h"

namespace fp4::cuda {

inline constexpr uint32_t matvec_tokens = few_tokens; // at most
inline constexpr uint32_t matvec_targets = 4;
inline constexpr uint32_t matvec_warps = 8; // of a block, at most

struct MatvecTarget {
    WeightView weight; // all of one launch: packed, the same format and columns
    LinearOutput output;
};

// How the work is cut. A block has k_warps x row_warps warps: row_warps tiles of 16 rows, whose columns
// k_warps warps share; splits blocks share the columns of the same rows.
struct MatvecPlan {
    uint32_t k_warps = 4; // a power of two
    uint32_t row_warps = 1;
    uint32_t splits = 1;
    // Blocks that a multiprocessor is to hold. 3: of eight warps with one token, of four with eight; else as
    // many as its registers allow.
    uint32_t room = 2;
};

struct MatvecScratch {
    float* sums = nullptr;        // matvec_scratch_floats()
    uint32_t* counters = nullptr; // matvec_groups(), zero; zero again afterwards
};

// What a block reads first comes first: arguments reach a multiprocessor in lines of 64 bytes.
struct MatvecView {
    MatvecPlan plan;
    uint32_t n = 0; // tokens
    uint32_t target_count = 0;
    // Block index where a target's rows start; of none: the highest.
    uint32_t first_group[matvec_targets] = {};
    MatvecTarget targets[matvec_targets];
    ActivationView input;
    MatvecScratch scratch; // splits > 1
};

// The same for all numbers of tokens but 1.
MatvecPlan plan_matvec(uint32_t row_tiles, uint32_t cols, uint32_t tokens, int processors);

// Fills first_group; the number of blocks side by side.
uint32_t matvec_groups(MatvecView& view);
inline size_t matvec_scratch_floats(const MatvecPlan& plan, uint32_t groups) {
    return size_t(groups) * plan.splits * plan.row_warps * tile_rows * matvec_tokens;
}

cudaError_t launch_matvec(const MatvecView& view, uint32_t groups, cudaStream_t stream);

} // namespace fp4::cuda
