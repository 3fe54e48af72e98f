#include "libfp4/engine/model.h"

#include <algorithm>
#include <array>

#include "libfp4/engine/host_weight.h"
#include "libfp4/engine/identity.h"
#include "libfp4/engine/load_tokenizer.h"
#include "libfp4/text/tokenizer/tokenizer.h"

namespace fp4 {
namespace {

// Where a loaded tensor goes.
std::unique_ptr<Weight>* destination(Model& model, const TensorSlot& slot) {
    switch (slot.role) {
        case Role::embedding:
            return &model.embedding;
        case Role::final_norm:
            return &model.final_norm;
        case Role::head:
            return &model.own_head;
        case Role::rope_factors:
            return nullptr;
        default:
            return layer_place(model.layers[slot.layer], slot.role);
    }
}

bool is_matrix(Role role) {
    return is_layer_linear(role) || role == Role::embedding || role == Role::head;
}

Result<void> load_chat_template(Model& model) {
    auto text = read_chat_template(*model.checkpoint);
    if (!text.ok() && text.error().status != Status::not_found) return std::move(text).error();
    if (text.ok()) model.chat_template = std::move(*text);
    return {};
}

WeightFormat most_common_format(const ModelSource& source) {
    std::array<uint64_t, static_cast<size_t>(WeightFormat::mxint8) + 1> weights{};
    for (const SourceTensor& tensor : source.tensors) {
        if (!is_layer_linear(tensor.slot.role)) continue;
        weights[static_cast<size_t>(loaded_format(*tensor.info))] += tensor.slot.rows * tensor.slot.cols;
    }
    return static_cast<WeightFormat>(std::ranges::max_element(weights) - weights.begin());
}

} // namespace

Result<std::shared_ptr<const Model>> Model::load(ModelSource source, std::shared_ptr<Backend> backend,
                                                 const LoadProgress& progress) {
    auto model = std::make_shared<Model>();
    model->config = source.config;
    model->checkpoint = source.checkpoint;
    model->backend = std::move(backend);
    model->layers.resize(source.config.layers);
    model->parameters = source.parameters();
    model->linear_format = most_common_format(source);
    FP4_ASSIGN(model->tokenizer, load_tokenizer(*model->checkpoint));
    FP4_TRY(load_chat_template(*model));
    FP4_ASSIGN(model->ropes, RopeWeights::load(source, *model->backend));
    uint64_t total = 0, done = 0;
    for (const SourceTensor& tensor : source.tensors) total += tensor.info->stored_bytes;
    for (const SourceTensor& tensor : source.tensors) {
        if (progress && !progress(done, total, tensor.name))
            return error(Status::cancelled, "loading was cancelled");
        done += tensor.info->stored_bytes;
        std::unique_ptr<Weight>* place = destination(*model, tensor.slot);
        if (!place) continue;
        float offset = is_norm(tensor.slot.role) && source.config.norm_plus_one ? 1.0f : 0.0f;
        auto host = is_matrix(tensor.slot.role) ? load_matrix(source.checkpoint, *tensor.info)
                                                : load_vector(source.checkpoint, *tensor.info, offset);
        if (!host.ok()) return std::move(host).error();
        model->weight_bytes +=
            is_matrix(tensor.slot.role) ? loaded_bytes(*tensor.info) : 4 * tensor.slot.cols;
        FP4_ASSIGN(*place, model->backend->load(*host));
    }
    FP4_ASSIGN(model->identity, model_identity(source));
    return std::shared_ptr<const Model>(std::move(model));
}

bool Model::is_end_token(int32_t token) const {
    return std::ranges::find(config.eos_tokens, token) != config.eos_tokens.end() ||
           (tokenizer && tokenizer->is_end_of_generation(token));
}

Result<const Tokenizer*> Model::require_tokenizer() const {
    if (tokenizer) return tokenizer.get();
    return missing_tokenizer(*checkpoint);
}

} // namespace fp4
