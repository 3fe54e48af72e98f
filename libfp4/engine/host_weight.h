// Checkpoint tensors as host weights: borrowed from the mapped file where the layout allows it, else read or
// decoded.
#pragma once

#include "libfp4/engine/backend.h"
#include "libfp4/model/model_source.h"

namespace fp4 {

// Matrices keep their stored format; GGUF's own block types are decoded to f32.
Result<HostWeight> load_matrix(const std::shared_ptr<Checkpoint>& checkpoint, const TensorInfo& tensor);

// Vectors as f32, plus an offset (1 for norms that store w of (1 + w)).
Result<HostWeight> load_vector(const std::shared_ptr<Checkpoint>& checkpoint, const TensorInfo& tensor,
                               float offset);

HostWeight vector_weight(std::vector<float> values);

// The format load_matrix gives.
WeightFormat loaded_format(const TensorInfo& tensor);

} // namespace fp4
