#include "libfp4/engine/forward.h"

#include <array>

namespace fp4 {
namespace {

GluKind glu_kind(Glu glu) {
    return glu == Glu::silu ? GluKind::silu : GluKind::gelu_tanh;
}

LinearTarget target(const LinearWeights& linear, Buffer& out, bool accumulate = false) {
    return {linear.weight.get(), linear.bias.get(), &out, accumulate};
}

} // namespace

Result<std::unique_ptr<Forward>> Forward::create(std::shared_ptr<const Model> model,
                                                 const ForwardConfig& config) {
    FP4_TRY(check_path(config.path_prefill, model->linear_format));
    FP4_TRY(check_path(config.path_decode, model->linear_format));
    auto forward = std::unique_ptr<Forward>(new Forward(std::move(model)));
    forward->config_ = config;
    forward->config_.path_prefill = forward->model_->resolve(config.path_prefill);
    forward->config_.path_decode = forward->model_->resolve(config.path_decode);
    forward->layer_ = forward->model_->layers.size();
    FP4_TRY(forward->allocate(config.chunk));
    return forward;
}

uint64_t Forward::scratch_bytes(const ModelConfig& config, size_t chunk) {
    // f32 buffers, and about as much again (8 bytes an element) for the rounded linear inputs.
    uint64_t floats = config.hidden + config.q_width() + 2ull * config.kv_width() + 2ull * config.ffn +
                      (config.post_norms ? config.hidden : 0);
    uint64_t inputs = config.hidden + config.q_width() + uint64_t(config.ffn);
    return chunk * (4 * floats + 8 * inputs) + 4ull * logit_rows * config.vocabulary;
}

Result<void> Forward::allocate(size_t chunk) {
    const ModelConfig& config = model_->config;
    Backend& backend = *model_->backend;
    FP4_ASSIGN(ids_, backend.allocate(chunk * sizeof(int32_t)));
    struct Matrix {
        std::unique_ptr<Buffer>& buffer;
        size_t rows, width;
    };
    const Matrix matrices[] = {
        {x_, chunk, config.hidden},
        {q_, chunk, config.q_width()},
        {k_, chunk, config.kv_width()},
        {v_, chunk, config.kv_width()},
        {gate_, chunk, config.ffn},
        {up_, chunk, config.ffn},
        {branch_, config.post_norms ? chunk : 0, config.hidden},
        {logits_, logit_rows, config.vocabulary},
    };
    for (const Matrix& matrix : matrices) {
        if (matrix.rows == 0) continue;
        FP4_ASSIGN(matrix.buffer, backend.allocate(matrix.rows * matrix.width * sizeof(float)));
    }
    size_t input_rows = std::max(chunk, logit_rows);
    FP4_ASSIGN(hidden_input_, backend.create_activation(input_rows, config.hidden));
    FP4_ASSIGN(q_input_, backend.create_activation(chunk, config.q_width()));
    FP4_ASSIGN(ffn_input_, backend.create_activation(chunk, config.ffn));
    return {};
}

void Forward::begin(Stream& stream, std::span<const int32_t> tokens, size_t position) {
    rows_ = tokens.size();
    position_ = position;
    layer_ = 0;
    path_ = rows_ == 1 ? config_.path_decode : config_.path_prefill;
    stream.write(*ids_, 0, {reinterpret_cast<const uint8_t*>(tokens.data()), tokens.size_bytes()});
}

void Forward::advance(Stream& stream, KvCache& cache) {
    if (layer_ == 0) stream.embed(*model_->embedding, *ids_, rows_, model_->config.embedding_scale, *x_);
    const LayerWeights& layer = model_->layers[layer_];
    attention_block(stream, cache, layer);
    feed_forward_block(stream, layer);
    ++layer_;
}

void Forward::attention_block(Stream& stream, KvCache& cache, const LayerWeights& layer) {
    const ModelConfig& config = model_->config;
    const Backend& backend = *model_->backend;
    const HeadShape shape{config.heads, config.kv_heads, config.head_dim};
    const bool sliding = config.sliding[layer_] != 0;

    const std::array<const Weight*, 3> qkv{layer.q.weight.get(), layer.k.weight.get(), layer.v.weight.get()};
    stream.norm(*x_, 0, rows_, norm_params(*layer.attention_norm), nullptr,
                activation_for(path_, qkv, backend), *hidden_input_);
    const std::array targets{target(layer.q, *q_), target(layer.k, *k_), target(layer.v, *v_)};
    stream.linear(*hidden_input_, rows_, targets);

    NormParams q_norm, k_norm;
    if (layer.q_norm) q_norm = norm_params(*layer.q_norm);
    if (layer.k_norm) k_norm = norm_params(*layer.k_norm);
    RopeParams rope{sliding ? model_->inverse_frequency_local.get() : model_->inverse_frequency.get(), 1.0f,
                    config.rope_interleaved};
    stream.rope_append(*q_, *k_, *v_, rows_, position_, shape, layer.q_norm ? &q_norm : nullptr,
                       layer.k_norm ? &k_norm : nullptr, rope, cache, layer_);

    const AttentionParams params{shape, config.attention_scale, sliding ? config.sliding_window : 0};
    const std::array<const Weight*, 1> output{layer.o.weight.get()};
    stream.attention(*q_, rows_, position_, params, cache, layer_, nullptr,
                     activation_for(path_, output, backend), *q_input_);
    add_to_residual(stream, *q_input_, layer.o, layer.attention_post_norm.get());
}

void Forward::feed_forward_block(Stream& stream, const LayerWeights& layer) {
    const Backend& backend = *model_->backend;
    const std::array<const Weight*, 2> gate_up{layer.gate.weight.get(), layer.up.weight.get()};
    stream.norm(*x_, 0, rows_, norm_params(*layer.ffn_norm), nullptr, activation_for(path_, gate_up, backend),
                *hidden_input_);
    const std::array targets{target(layer.gate, *gate_), target(layer.up, *up_)};
    stream.linear(*hidden_input_, rows_, targets);

    const std::array<const Weight*, 1> down{layer.down.weight.get()};
    stream.glu(*gate_, *up_, rows_, glu_kind(model_->config.glu), nullptr,
               activation_for(path_, down, backend), *ffn_input_);
    add_to_residual(stream, *ffn_input_, layer.down, layer.ffn_post_norm.get());
}

void Forward::add_to_residual(Stream& stream, const Activation& input, const LinearWeights& linear,
                              const Weight* post_norm) {
    if (!post_norm) {
        const std::array targets{target(linear, *x_, true)};
        stream.linear(input, rows_, targets);
        return;
    }
    const std::array targets{target(linear, *branch_)};
    stream.linear(input, rows_, targets);
    stream.norm_add(*branch_, rows_, norm_params(*post_norm), *x_);
}

void Forward::project(Stream& stream, size_t first, size_t count) {
    const Weight& head = model_->head();
    const std::array<const Weight*, 1> weights{&head};
    stream.norm(*x_, first, count, norm_params(*model_->final_norm), nullptr,
                activation_for(path_, weights, *model_->backend), *hidden_input_);
    const std::array targets{LinearTarget{&head, nullptr, logits_.get(), false}};
    stream.linear(*hidden_input_, count, targets);
}

} // namespace fp4
