// The second pass of operations that feed a linear: rounding that depends on a row's largest magnitude.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/device/activation_view.h"

namespace fp4::cuda {

// Rounds out.values in place, with each row's out.row_amax, and stores parts or the operand of the matrix
// products.
cudaError_t launch_round(size_t n, const RoundingView& rounding, const ActivationView& out,
                         cudaStream_t stream);

} // namespace fp4::cuda
