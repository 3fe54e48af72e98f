// From rows as files hold them to the packed layout of weight_view.h.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/device/weight_view.h"

namespace fp4::cuda {

// codes, scales: device copies of the host's rows. packed: the target, zeroed, with its codes and scales to
// write through.
cudaError_t launch_pack(const uint8_t* codes, const uint8_t* scales, const WeightView& packed,
                        uint8_t* packed_codes, uint8_t* packed_scales, cudaStream_t stream);

} // namespace fp4::cuda
