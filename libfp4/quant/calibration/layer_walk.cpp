#include "libfp4/quant/calibration/layer_walk.h"

#include "libfp4/engine/host_weight.h"

namespace fp4 {

Result<std::unique_ptr<LayerWalk>> LayerWalk::create(const ModelConfig& config, Backend& backend,
                                                     Stream& stream, const CalibrationText& text,
                                                     const std::string& folder, Path path) {
    auto walk = std::unique_ptr<LayerWalk>(new LayerWalk(config, stream));
    const size_t length = text.length;
    walk->tokens_ = {length, 0, path};
    walk->transfer_.resize(length * config.hidden);
    FP4_ASSIGN(walk->pass_, LayerPass::create(config, backend, length, length));
    FP4_ASSIGN(walk->cache_,
               backend.create_kv_cache({1, length, config.kv_heads, config.head_dim, KvFormat::f32}));
    FP4_ASSIGN(walk->x_, backend.allocate(walk->transfer_.size() * sizeof(float)));
    FP4_ASSIGN(walk->ids_, backend.allocate(length * sizeof(int32_t)));
    FP4_ASSIGN(walk->states_, HiddenStates::create(folder, text.sequences(), length, config.hidden));
    return walk;
}

Result<void> LayerWalk::load(size_t sequence) {
    FP4_TRY(states_->read(sequence, transfer_));
    stream_.write(*x_, 0,
                  {reinterpret_cast<const uint8_t*>(transfer_.data()), transfer_.size() * sizeof(float)});
    return {};
}

Result<void> LayerWalk::store(size_t sequence) {
    FP4_TRY(stream_.read(*x_, 0,
                         {reinterpret_cast<uint8_t*>(transfer_.data()), transfer_.size() * sizeof(float)}));
    return states_->write(sequence, transfer_);
}

Result<void> LayerWalk::embed(const Weight& embedding, const CalibrationText& text) {
    for (size_t sequence = 0; sequence < sequences(); ++sequence) {
        stream_.write(*ids_, 0,
                      {reinterpret_cast<const uint8_t*>(text.at(sequence)), length() * sizeof(int32_t)});
        stream_.embed(embedding, *ids_, length(), config_.embedding_scale, *x_);
        FP4_TRY(store(sequence));
    }
    return {};
}

Result<void> LayerWalk::run_to(Site site, size_t sequence, Input kind) {
    FP4_TRY(load(sequence));
    switch (site) {
        case Site::qkv:
            pass_->attention_input(stream_, tokens_, *x_, kind);
            break;
        case Site::o:
            pass_->attention_input(stream_, tokens_, *x_);
            pass_->attention(stream_, tokens_, *cache_, kind);
            break;
        case Site::gate_up:
            pass_->ffn_input(stream_, tokens_, *x_, kind);
            break;
        case Site::down:
            pass_->ffn_input(stream_, tokens_, *x_);
            pass_->ffn_hidden(stream_, tokens_, kind);
            break;
    }
    return stream_.synchronize();
}

Result<void> LayerWalk::finish_attention(const WalkProgress& progress) {
    for (size_t sequence = 0; sequence < sequences(); ++sequence) {
        FP4_TRY(progress(sequence));
        FP4_TRY(run_to(Site::o, sequence, Input::rounded));
        pass_->attention_output(stream_, tokens_, *x_);
        FP4_TRY(store(sequence));
    }
    return {};
}

Result<void> LayerWalk::finish_layer(const WalkProgress& progress) {
    for (size_t sequence = 0; sequence < sequences(); ++sequence) {
        FP4_TRY(progress(sequence));
        FP4_TRY(run_to(Site::down, sequence, Input::rounded));
        pass_->ffn_output(stream_, tokens_, *x_);
        FP4_TRY(store(sequence));
    }
    return {};
}

Result<void> embed_text(const ModelSource& source, Backend& backend, const CalibrationText& text,
                        LayerWalk& walk) {
    FP4_ASSIGN(HostWeight table, load_matrix(source.checkpoint, *source.find(Role::embedding)->info));
    FP4_ASSIGN(auto embedding, backend.load(table));
    return walk.embed(*embedding, text);
}

} // namespace fp4
