// A model with QuaRot's rotations (arXiv 2404.00456, section 4) merged into its weights: the same function,
// another basis of the residual stream and of each head's values.
#pragma once

#include "libfp4/base/thread_pool.h"
#include "libfp4/model/model_source.h"

namespace fp4 {

// Norm gains move into the linears after them, which unties a tied head. Rotated when read; `pool` must
// outlive the source. Fails with the reason when the model's structure does not allow it.
Result<ModelSource> rotate_source(const ModelSource& source, uint64_t seed, ThreadPool& pool);

} // namespace fp4
