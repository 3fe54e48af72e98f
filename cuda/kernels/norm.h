// RMS norms.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/device/activation_view.h"

namespace fp4::cuda {

struct NormView {
    const float* weight = nullptr; // [cols]
    float epsilon = 0.0f;
};

// out = round(transform(rmsnorm(x) * weight)); x: [n, cols]. Where a second pass rounds (round.h) only the
// transform is done, and out.row_amax must be zero before; rows that
// fit a block (fits_whole_rows) need none.
cudaError_t launch_norm(const float* x, size_t n, const NormView& norm, const RoundingView& rounding,
                        const ActivationView& out, cudaStream_t stream);

// x += rmsnorm(y) * weight; both [n, cols].
cudaError_t launch_norm_add(const float* y, size_t n, uint32_t cols, const NormView& norm, float* x,
                            cudaStream_t stream);

} // namespace fp4::cuda
