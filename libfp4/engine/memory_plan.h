// What a model and a context of it take of a device's memory, known from headers alone. Loading and contexts
// count by the same functions.
#pragma once

#include "libfp4/engine/context.h"

namespace fp4 {

// Of the matrices: most of the layers' linears, and the head.
struct MatrixFormats {
    WeightFormat linear = WeightFormat::f32;
    WeightFormat head = WeightFormat::f32;
};
MatrixFormats matrix_formats(const ModelSource& source);
MatrixFormats matrix_formats(const Model& model);

uint64_t tensor_bytes(const SourceTensor& tensor, const Backend& backend); // as loaded
uint64_t model_bytes(const ModelSource& source, const Backend& backend);

// config is resolved (resolve_context).
KvShape kv_shape(const ModelConfig& model, const ContextConfig& config);
StreamWork stream_work(const ModelConfig& model, const MatrixFormats& formats, const ContextConfig& config);

struct ContextBytes {
    uint64_t kv = 0;
    uint64_t scratch = 0;
    uint64_t total() const { return kv + scratch; }
};
ContextBytes context_bytes(const ModelConfig& model, const MatrixFormats& formats,
                           const ContextConfig& config, const Backend& backend);

// The longest context, at most the model's own length, that takes no more than `bytes`; 0: none.
uint32_t largest_context(const ModelConfig& model, const MatrixFormats& formats, ContextConfig config,
                         const Backend& backend, uint64_t bytes);

} // namespace fp4
