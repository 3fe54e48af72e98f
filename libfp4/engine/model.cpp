#include "libfp4/engine/model.h"

#include <algorithm>

#include "libfp4/engine/host_weight.h"
#include "libfp4/engine/identity.h"
#include "libfp4/engine/load_tokenizer.h"
#include "libfp4/engine/memory_plan.h"
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

Result<void> load_chat_template(Model& model) {
    auto text = read_chat_template(*model.checkpoint);
    if (!text.ok() && text.error().status != Status::not_found) return std::move(text).error();
    if (text.ok()) model.chat_template = std::move(*text);
    return {};
}

Result<void> load_sites(Model& model, const ModelSource& source) {
    for (uint32_t layer = 0; layer < source.config.layers; ++layer) {
        for (Site site : all_sites) {
            const SiteOutline& outline = source.sites[layer][static_cast<size_t>(site)];
            InputSite& place = model.layers[layer].sites[static_cast<size_t>(site)];
            place.activation = outline.activation;
            if (!outline.has_transform()) continue;
            FP4_ASSIGN(SiteDefinition read, read_input_site(*source.checkpoint, layer, site, outline));
            FP4_ASSIGN(place.transform, model.backend->load(read.transform, site_width(source.config, site)));
        }
    }
    return {};
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
    model->linear_format = matrix_formats(source).linear;
    model->weight_bytes = model_bytes(source, *model->backend);
    FP4_TRY(model->backend->memory().check(model->weight_bytes));
    FP4_ASSIGN(model->tokenizer, load_tokenizer(*model->checkpoint));
    FP4_TRY(load_chat_template(*model));
    FP4_ASSIGN(const std::shared_ptr<void> loading, model->backend->begin_loading());
    FP4_ASSIGN(model->ropes, RopeWeights::load(source, *model->backend));
    FP4_TRY(load_sites(*model, source));
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
