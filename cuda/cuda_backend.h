// The first CUDA device as a backend.
#pragma once

#include "libfp4/engine/backend.h"

namespace fp4 {

// Status::device where there is no driver, no GPU, or none that this build has kernels for.
Result<std::shared_ptr<Backend>> open_cuda_backend();

} // namespace fp4
