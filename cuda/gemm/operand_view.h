// An activation operand of the matrix kernels, in device memory (fp4_layout.h).
#pragma once

#include "cuda/gemm/fp4_layout.h"

namespace fp4::cuda {

// What exists of these depends on the format; the others are null.
struct GemmOperand {
    uint8_t* codes = nullptr;   // MXFP4, NVFP4
    uint8_t* scales = nullptr;  // of codes
    uint8_t* half = nullptr;    // unrounded
    size_t panel_rows = 0;      // of half
    float* row_scale = nullptr; // [rows] tensor scale (NVFP4), or what half's values are multiplied with
    uint32_t cols = 0;
};

} // namespace fp4::cuda
