// out = round(transform(act(gate) * up)), and the second pass of nvfp4's rounding.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/device/activation_view.h"

namespace fp4::cuda {

// gate, up: [n, cols]. With rounding.needs_row_amax() only the transform is done (row_amax zero before).
cudaError_t launch_glu(const float* gate, const float* up, size_t n, GluKind kind,
                       const RoundingView& rounding, const ActivationView& out, cudaStream_t stream);

// Rounds out.values in place to nvfp4, with the tensor scale of each row's out.row_amax.
cudaError_t launch_round_nvfp4(size_t n, ScaleRule rule, const ActivationView& out, cudaStream_t stream);

} // namespace fp4::cuda
