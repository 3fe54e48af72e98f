// The matrix products of prefill: out[m][n] = sum_k x[m][k] w[n][k], float32 out. Operands as fp4_layout.h
// says. Plain CUDA, no library types: every function enqueues on the stream and returns the launch's error.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "cuda/gemm/fp4_layout.h"

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

// W4A4: weights and activations in the same format, MXFP4 or NVFP4. W4A8: format mxfp8_e4m3, of the
// activations, with MXFP4 weights.
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

// W4A16: exact weights, activations in half precision (fp4_layout.h, panels), float32 sums. Or W4A8, on
// Hopper only: activations in E4M3 with one scale a row, MXFP4 weights that fold (e4m3_fold.h).
enum class PanelElement : uint8_t { f16, e4m3 };
struct W4Row; // of w4a16_kernel.h
struct GemmW4A16 {
    struct Weights {
        Fp4Matrix w;                 // [n, k]
        const W4Row* rows = nullptr; // [n] from prepare_w4a16
        size_t n = 0;
        GemmOutput output;
    };
    BlockFormat format = BlockFormat::mxfp4; // of all weights
    size_t m = 0, k = 0;
    PanelElement element = PanelElement::f16;
    const uint8_t* x = nullptr;
    size_t panel_rows = 0;          // of x
    const float* x_scale = nullptr; // [m] what each row's values are multiplied with, or null for 1
    Weights weights[gemm_weights];  // multiplied side by side
    size_t weight_count = 1;
    float* workspace = nullptr; // for small m, where several blocks share an output; may be null
    size_t workspace_bytes = 0;
};
cudaError_t gemm_w4a16(const GemmW4A16& gemm, cudaStream_t stream);
// The same without Hopper's instructions, as other GPUs run it; for tests.
cudaError_t gemm_w4a16_mma(const GemmW4A16& gemm, cudaStream_t stream);

// Bytes of workspace that make this product fastest on the current device; 0 for many tokens.
size_t gemm_w4a16_workspace(const GemmW4A16& gemm);

// Row factors of a weight matrix, once at load. rows: [n], w4_row_bytes each, on the device.
inline constexpr size_t w4_row_bytes = 8;
cudaError_t prepare_w4a16(BlockFormat format, const uint8_t* scales, size_t n, size_t k, float tensor_scale,
                          W4Row* rows, cudaStream_t stream);

} // namespace fp4::cuda
