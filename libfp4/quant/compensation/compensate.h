// Rounding a weight matrix so that each column's rounding error is made up for by the columns after it:
// GPTQ (arXiv 2210.17323) with the block scales of microscaling formats, as in MR-GPTQ (arXiv 2509.23202),
// DuQuant++ (arXiv 2604.17789: scales chosen in the loop), and a descent over codes and scales afterwards.
#pragma once

#include <optional>
#include <vector>

#include "libfp4/base/thread_pool.h"
#include "libfp4/quant/compensation/factor.h"
#include "libfp4/quant/compensation/scale_method.h"

namespace fp4 {

enum class ScaleTime : uint8_t {
    fixed,   // from the weights before compensation
    in_loop, // when the loop reaches the block, from the compensated weights
};

struct CompensationOptions {
    BlockFormat format = BlockFormat::mxfp4;
    ScaleRule rule = ScaleRule::mse;
    bool weigh_by_hessian = false; // scored scales: importance = diag H (fixed) or 1 / U_jj^2 (in the loop)
    ScaleTime scale_time = ScaleTime::fixed;
    size_t column_block = 128;  // columns whose updates of the rest are applied together
    uint32_t refine_sweeps = 0; // of coordinate descent afterwards (refine.h)
    ScaleMethod method = ScaleMethod::rule;
    std::optional<float> tensor_scale; // given from outside, e.g. shared by fused projections
};

struct CompensatedMatrix {
    std::vector<uint8_t> codes, scales; // rows as in block_format.h
    float tensor_scale = 1;
    std::vector<float> values;  // [N, K] dequantized
    double error = 0;           // tr(dW H dW^T), dW = W - values
    double reference_power = 0; // tr(W H W^T)
    uint32_t refined_rows = 0;  // rows whose error the descent lowered
};

// weights: [N, K], transformed. Columns with zero diagonal in the factor are set to zero in it (unless all
// are: then nothing is known and they are rounded plainly). factor null: plain rounding with the same choice
// of scales. gram: the undamped H, [K, K]; without a factor it may be empty, which counts all columns alike.
// The result does not depend on the number of threads nor on the processor's instruction sets.
Result<CompensatedMatrix> compensate(std::vector<float>& weights, size_t rows, const HessianFactor* factor,
                                     const std::vector<double>& gram, const CompensationOptions& options,
                                     ThreadPool& pool);

} // namespace fp4
