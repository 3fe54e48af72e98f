#pragma once

#include "cuda/gemm/w4a16_kernel.h"

namespace fp4::cuda {

// row_blocks: of 128 rows, of all weights. tokens: of a block, 64, 128 or 256.
cudaError_t launch_w4a16_hopper(BlockFormat format, const W4A16Arguments& arguments, unsigned row_blocks,
                                int tokens, int splits, cudaStream_t stream);
// The same with tokens in E4M3 panels and weights that fold (e4m3_fold.h), MXFP4.
cudaError_t launch_w4a8_hopper(const W4A16Arguments& arguments, unsigned row_blocks, int tokens, int splits,
                               cudaStream_t stream);

} // namespace fp4::cuda
