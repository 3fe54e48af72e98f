// The matrix products of prefill: out[m][n] = sum_k x[m][k] w[n][k], float32 out. Operands as fp4_layout.h
// says. Plain CUDA, no library types: every function enqueues on the stream and returns the launch's error.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "libfp4/format/block_format.h"

namespace fp4::cuda {

struct Fp4Matrix {
    const uint8_t* codes = nullptr;
    const uint8_t* scales = nullptr;
};

// out = product + bias, or out += product + bias.
struct GemmOutput {
    const float* bias = nullptr; // [n] or null
    float* out = nullptr;        // [m][n]
    bool accumulate = false;
};

// W4A4: both operands in the same format, MXFP4 or NVFP4.
struct GemmW4A4 {
    BlockFormat format = BlockFormat::mxfp4;
    size_t m = 0, n = 0, k = 0;
    Fp4Matrix x;                    // [m, k]
    const float* x_scale = nullptr; // [m] tensor scale of each row, or null for 1
    Fp4Matrix w;                    // [n, k]
    float w_scale = 1.0f;           // tensor scale
    GemmOutput output;
};
cudaError_t gemm_w4a4(const GemmW4A4& gemm, cudaStream_t stream);
// The same with the bit model of the instruction in place of the fast emulation; for tests.
cudaError_t gemm_w4a4_exact(const GemmW4A4& gemm, cudaStream_t stream);

} // namespace fp4::cuda
