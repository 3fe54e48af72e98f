// A mat-vec of one token and the operation after it in one kernel: the rows that come out become the input of
// the next linear where they are made. Two blocks make 32 of them. For compute capability 9.0 and later.
//
// A norm needs the whole row, which no block has. It is a factor of everything the next linear computes, so
// that linear multiplies with it: the row is stored without it, and the sums of its squares over 32 columns
// beside it (RowNorm).
#pragma once

#include "cuda/kernels/matvec.h"
#include "cuda/kernels/norm.h"

namespace fp4::cuda {

struct NextInput {
    // One target, which is added to its output; the input is that, times norm.weight, not rounded. What the
    // product itself reads lacks no norm (RowNorm).
    NormView norm;            // weight null: none
    float* squares = nullptr; // [rows / square_columns], of RowNorm
    // Without a norm: targets[0] is gate, targets[1] up, both as large; they are not stored.
    GluKind glu = GluKind::silu;
    RoundingView rounding;
    ActivationView out;
};

// Whether the kernel can round that way: all that shares a value's block is within 32 columns.
bool rounds_32_columns(const RoundingView& rounding, uint32_t cols);

// plan.splits is 1; row_warps is 1 with a norm and 2 without.
cudaError_t launch_matvec_next(const MatvecView& view, const NextInput& next, cudaStream_t stream);

} // namespace fp4::cuda
