#include "libfp4/engine/memory_plan.h"

#include <algorithm>
#include <array>

#include "libfp4/engine/host_weight.h"

namespace fp4 {
namespace {

uint64_t transform_bytes(const SiteOutline& outline, uint64_t width) {
    const uint64_t numbers = outline.matrices * outline.block * outline.block + (outline.scaled ? width : 0);
    return numbers * sizeof(float);
}

} // namespace

MatrixFormats matrix_formats(const ModelSource& source) {
    std::array<uint64_t, static_cast<size_t>(WeightFormat::mxint8) + 1> weights{};
    MatrixFormats formats;
    for (const SourceTensor& tensor : source.tensors) {
        const Role role = tensor.slot.role;
        const WeightFormat format = loaded_format(*tensor.info);
        if (role == Role::head || (role == Role::embedding && source.config.tied_head)) formats.head = format;
        if (is_layer_linear(role))
            weights[static_cast<size_t>(format)] += tensor.slot.rows * tensor.slot.cols;
    }
    formats.linear = static_cast<WeightFormat>(std::ranges::max_element(weights) - weights.begin());
    return formats;
}

MatrixFormats matrix_formats(const Model& model) {
    return {model.linear_format, model.head().format()};
}

uint64_t tensor_bytes(const SourceTensor& tensor, const Backend& backend) {
    const TensorSlot& slot = tensor.slot;
    if (slot.role == Role::rope_factors) return 0; // part of the rope tables
    const WeightFormat format = is_matrix(slot.role) ? loaded_format(*tensor.info) : WeightFormat::f32;
    return backend.weight_bytes(format, slot.rows, slot.cols);
}

uint64_t model_bytes(const ModelSource& source, const Backend& backend) {
    const ModelConfig& config = source.config;
    uint64_t bytes = 2 * backend.weight_bytes(WeightFormat::f32, 1, config.head_dim / 2); // rope tables
    for (const SourceTensor& tensor : source.tensors) bytes += tensor_bytes(tensor, backend);
    for (const LayerOutlines& layer : source.sites) {
        for (Site site : all_sites)
            bytes += transform_bytes(layer[static_cast<size_t>(site)], site_width(config, site));
    }
    return bytes;
}

KvShape kv_shape(const ModelConfig& model, const ContextConfig& config) {
    return {model.layers, config.capacity, model.kv_heads, model.head_dim, config.kv_format};
}

StreamWork stream_work(const ModelConfig& model, const MatrixFormats& formats, const ContextConfig& config) {
    const size_t q = model.q_width(), kv = model.kv_width(), hidden = model.hidden, ffn = model.ffn;
    StreamWork work;
    work.tokens = std::max<size_t>(config.chunk, Forward::logit_rows);
    work.capacity = config.capacity;
    work.heads = {model.heads, model.kv_heads, model.head_dim};
    work.products = {{formats.linear, {q, kv, kv}, hidden},
                     {formats.linear, {hidden}, q},
                     {formats.linear, {ffn, ffn}, hidden},
                     {formats.linear, {hidden}, ffn},
                     {formats.head, {model.vocabulary}, hidden}};
    return work;
}

ContextBytes context_bytes(const ModelConfig& model, const MatrixFormats& formats,
                           const ContextConfig& config, const Backend& backend) {
    return {kv_shape(model, config).bytes(),
            Forward::bytes(model, backend, config.chunk) +
                backend.stream_bytes(config.stream, stream_work(model, formats, config))};
}

uint32_t largest_context(const ModelConfig& model, const MatrixFormats& formats, ContextConfig config,
                         const Backend& backend, uint64_t bytes) {
    const uint32_t chunk = config.chunk;
    uint32_t fitting = 0;
    for (uint64_t beyond = uint64_t(model.context_length) + 1; beyond - fitting > 1;) {
        config.capacity = static_cast<uint32_t>(fitting + (beyond - fitting) / 2);
        config.chunk = std::min(chunk, config.capacity);
        if (context_bytes(model, formats, config, backend).total() <= bytes)
            fitting = config.capacity;
        else
            beyond = config.capacity;
    }
    return fitting;
}

} // namespace fp4
