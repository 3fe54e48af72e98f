#include "libfp4/engine/forward.h"

#include <algorithm>
#include <array>
#include <atomic>

namespace fp4 {
namespace {

uint64_t next_id() {
    static std::atomic<uint64_t> last = 0;
    return ++last;
}

} // namespace

Forward::Forward(std::shared_ptr<const Model> model) : model_(std::move(model)), id_(next_id()) {}

Result<std::unique_ptr<Forward>> Forward::create(std::shared_ptr<const Model> model,
                                                 const ForwardConfig& config) {
    FP4_TRY(check_path(config.path_prefill, model->linear_format));
    FP4_TRY(check_path(config.path_decode, model->linear_format));
    auto forward = std::unique_ptr<Forward>(new Forward(std::move(model)));
    const ModelConfig& shape = forward->model_->config;
    Backend& backend = *forward->model_->backend;
    forward->config_ = config;
    forward->config_.path_prefill = forward->model_->resolve(config.path_prefill);
    forward->config_.path_decode = forward->model_->resolve(config.path_decode);
    forward->layer_ = forward->model_->layers.size();
    FP4_ASSIGN(forward->ids_, backend.allocate(config.chunk * sizeof(int32_t)));
    FP4_ASSIGN(forward->x_, backend.allocate(config.chunk * shape.hidden * sizeof(float)));
    FP4_ASSIGN(forward->logits_, backend.allocate(logit_rows * shape.vocabulary * sizeof(float)));
    InputReaders readers;
    for (const LayerWeights& layer : forward->model_->layers) readers.add(layer);
    static_assert(logit_rows <= Backend::short_rows); // the head is no reader of longer passes
    FP4_ASSIGN(forward->pass_,
               LayerPass::create(shape, backend, config.chunk, std::max(config.chunk, logit_rows), readers));
    return forward;
}

uint64_t Forward::bytes(const ModelConfig& config, const Backend& backend, size_t chunk) {
    return 4ull * (chunk + uint64_t(chunk) * config.hidden + logit_rows * uint64_t(config.vocabulary)) +
           LayerPass::bytes(config, backend, chunk, std::max(chunk, logit_rows));
}

void Forward::begin(Stream& stream, std::span<const int32_t> tokens, size_t position) {
    layer_ = 0;
    tokens_ = {tokens.size(), position, tokens.size() == 1 ? config_.path_decode : config_.path_prefill};
    if (tokens.size() == 1 && tokens[0] == sampled_) return;
    stream.write(*ids_, 0, {reinterpret_cast<const uint8_t*>(tokens.data()), tokens.size_bytes()});
    sampled_ = -1;
}

void Forward::begin_drawn(size_t position) {
    layer_ = 0;
    tokens_ = {1, position, config_.path_decode};
}

void Forward::advance(Stream& stream, KvCache& cache) {
    if (layer_ == 0 && tokens_.rows == 1) {
        const StepStart start = stream.begin_step({id_, tokens_.position, &cache});
        if (start == StepStart::repeated) layer_ = model_->layers.size();
        if (start == StepStart::recorded) {
            while (!finished()) run_layer(stream, cache);
            stream.end_step();
        }
        if (start != StepStart::direct) return;
    }
    run_layer(stream, cache);
}

void Forward::run_layer(Stream& stream, KvCache& cache) {
    if (layer_ == 0)
        stream.embed(*model_->embedding, *ids_, tokens_.rows, model_->config.embedding_scale, *x_);
    pass_->select(model_->layers[layer_], layer_, model_->ropes.tables(), layer_);
    pass_->attention_input(stream, tokens_, *x_);
    pass_->attention(stream, tokens_, cache);
    pass_->attention_output(stream, tokens_, *x_);
    pass_->ffn_input(stream, tokens_, *x_);
    pass_->ffn_hidden(stream, tokens_);
    pass_->ffn_output(stream, tokens_, *x_);
    ++layer_;
}

// The head's input: final norm of rows of the residual stream.
void Forward::norm_output(Stream& stream, size_t first, size_t count) {
    stream.norm(*x_, first, count, {model_->final_norm.get(), model_->config.norm_epsilon}, nullptr,
                activation_for(tokens_.path, model_->head().format(), *model_->backend),
                pass_->input(Site::qkv));
}

void Forward::project(Stream& stream, size_t first, size_t count) {
    norm_output(stream, first, count);
    const std::array targets{LinearTarget{.weight = &model_->head(), .out = logits_.get()}};
    stream.linear(pass_->input(Site::qkv), count, targets);
}

void Forward::begin_head(Stream& stream, size_t row) {
    norm_output(stream, row, 1);
}

void Forward::project_part(Stream& stream, size_t first_token, size_t tokens) {
    const std::array targets{LinearTarget{
        .weight = &model_->head(), .out = logits_.get(), .first_row = first_token, .row_count = tokens}};
    stream.linear(pass_->input(Site::qkv), 1, targets);
}

Result<void> Forward::draw(Stream& stream, size_t row, const SampleRequest& request) {
    sampled_ = -1;
    return stream.draw(*logits_, row, model_->config.vocabulary, request, ids_.get());
}

Result<int32_t> Forward::sample(Stream& stream, size_t row, const SampleRequest& request) {
    FP4_TRY(draw(stream, row, request));
    FP4_ASSIGN(sampled_, stream.take_drawn());
    return sampled_;
}

} // namespace fp4
