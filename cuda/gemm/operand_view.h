// An activation operand of the matrix kernels, in device memory (fp4_layout.h).
#pragma once

#include "cuda/gemm/fp4_layout.h"

namespace fp4::cuda {

struct GemmOperand {
    uint8_t* half = nullptr;
    size_t panel_rows = 0;      // of half
    float* row_scale = nullptr; // [rows] what half's values are multiplied with
    // Only where the GPU has the block-scaled instruction: the same rows for it, if they were rounded to
    // MXFP4, NVFP4 or MXFP8.
    uint8_t* codes = nullptr;
    uint8_t* scales = nullptr;
    // Only where the GPU has Hopper's FP8 instruction: panels of rows that were rounded to E4M3 with one
    // scale each.
    uint8_t* e4m3 = nullptr;
    float* tensor_scale = nullptr; // [rows] of codes or e4m3
    uint32_t cols = 0;
};

} // namespace fp4::cuda
