// out = round(transform(act(gate) * up)).
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/device/activation_view.h"

namespace fp4::cuda {

// gate, up: [n, cols]. Where a second pass rounds (round.h) only the transform is done; row_amax must be zero
// before; rows that fit a block (fits_whole_rows) need none.
cudaError_t launch_glu(const float* gate, const float* up, size_t n, GluKind kind,
                       const RoundingView& rounding, const ActivationView& out, cudaStream_t stream);

} // namespace fp4::cuda
