#include "libfp4/engine/layer_pass.h"

#include <array>

namespace fp4 {
namespace {

GluKind glu_kind(Glu glu) {
    return glu == Glu::silu ? GluKind::silu : GluKind::gelu_tanh;
}

LinearTarget target(const LinearWeights& linear, Buffer& out, bool accumulate = false) {
    return {.weight = linear.weight.get(), .bias = linear.bias.get(), .out = &out, .accumulate = accumulate};
}

} // namespace

Result<std::unique_ptr<LayerPass>> LayerPass::create(const ModelConfig& config, Backend& backend,
                                                     size_t max_rows, size_t max_inputs,
                                                     const InputReaders& readers) {
    auto pass = std::unique_ptr<LayerPass>(new LayerPass(config, backend));
    FP4_TRY(pass->allocate(max_rows, max_inputs, readers));
    return pass;
}

void InputReaders::add(const LayerWeights& layer) {
    for (const LinearWeights* linear : {&layer.q, &layer.k, &layer.v, &layer.gate, &layer.up})
        hidden.push_back(linear->weight.get());
    q.push_back(layer.o.weight.get());
    ffn.push_back(layer.down.weight.get());
}

uint64_t LayerPass::bytes(const ModelConfig& config, const Backend& backend, size_t max_rows,
                          size_t max_inputs) {
    const uint64_t floats = config.q_width() + 2ull * config.kv_width() + 2ull * config.ffn +
                            (config.post_norms ? config.hidden : 0);
    return max_rows * floats * sizeof(float) + backend.activation_bytes(max_inputs, config.hidden) +
           backend.activation_bytes(max_rows, config.q_width()) +
           backend.activation_bytes(max_rows, config.ffn);
}

Result<void> LayerPass::allocate(size_t max_rows, size_t max_inputs, const InputReaders& readers) {
    struct Matrix {
        std::unique_ptr<Buffer>& buffer;
        size_t width;
    };
    const Matrix matrices[] = {
        {q_, config_.q_width()},  {k_, config_.kv_width()},
        {v_, config_.kv_width()}, {gate_, config_.ffn},
        {up_, config_.ffn},       {branch_, config_.post_norms ? size_t(config_.hidden) : 0},
    };
    for (const Matrix& matrix : matrices) {
        if (matrix.width == 0) continue;
        FP4_ASSIGN(matrix.buffer, backend_.allocate(max_rows * matrix.width * sizeof(float)));
    }
    FP4_ASSIGN(hidden_input_, backend_.create_activation(max_inputs, config_.hidden, readers.hidden));
    FP4_ASSIGN(q_input_, backend_.create_activation(max_rows, config_.q_width(), readers.q));
    FP4_ASSIGN(ffn_input_, backend_.create_activation(max_rows, config_.ffn, readers.ffn));
    return {};
}

void LayerPass::select(const LayerWeights& weights, size_t layer, const RopeTables& ropes,
                       size_t cache_layer) {
    weights_ = &weights;
    layer_ = layer;
    ropes_ = ropes;
    cache_layer_ = cache_layer;
}

Activation& LayerPass::input(Site site) {
    switch (site) {
        case Site::o:
            return *q_input_;
        case Site::down:
            return *ffn_input_;
        default:
            return *hidden_input_;
    }
}

LayerPass::Rounding LayerPass::rounding(Site site, Path path, Input kind) const {
    if (kind == Input::plain) return {};
    const InputSite& at = weights_->site(site);
    if (kind == Input::transformed) return {at.transform.get(), {}};
    const LayerWeights& w = *weights_;
    std::array<const Weight*, 3> weights{};
    size_t count = 1;
    switch (site) {
        case Site::qkv:
            weights = {w.q.weight.get(), w.k.weight.get(), w.v.weight.get()};
            count = 3;
            break;
        case Site::o:
            weights[0] = w.o.weight.get();
            break;
        case Site::gate_up:
            weights = {w.gate.weight.get(), w.up.weight.get(), nullptr};
            count = 2;
            break;
        case Site::down:
            weights[0] = w.down.weight.get();
            break;
    }
    return {at.transform.get(), activation_for(path, {weights.data(), count}, at.activation, backend_)};
}

void LayerPass::attention_input(Stream& stream, const PassTokens& tokens, const Buffer& x, Input kind) {
    Rounding to = rounding(Site::qkv, tokens.path, kind);
    stream.norm(x, 0, tokens.rows, norm_params(*weights_->attention_norm), to.transform, to.format,
                *hidden_input_);
}

void LayerPass::attention(Stream& stream, const PassTokens& tokens, KvCache& cache, Input kind) {
    const LayerWeights& w = *weights_;
    const HeadShape shape{config_.heads, config_.kv_heads, config_.head_dim};
    const bool sliding = config_.sliding[layer_] != 0;
    const std::array targets{target(w.q, *q_), target(w.k, *k_), target(w.v, *v_)};
    stream.linear(*hidden_input_, tokens.rows, targets);

    NormParams q_norm, k_norm;
    if (w.q_norm) q_norm = norm_params(*w.q_norm);
    if (w.k_norm) k_norm = norm_params(*w.k_norm);
    const RopeParams rope{sliding ? ropes_.local : ropes_.global, 1.0f, config_.rope_interleaved};
    stream.rope_append(*q_, *k_, *v_, tokens.rows, tokens.position, shape, w.q_norm ? &q_norm : nullptr,
                       w.k_norm ? &k_norm : nullptr, rope, cache, cache_layer_);

    const AttentionParams params{shape, config_.attention_scale, sliding ? config_.sliding_window : 0};
    Rounding to = rounding(Site::o, tokens.path, kind);
    stream.attention(*q_, tokens.rows, tokens.position, params, cache, cache_layer_, to.transform, to.format,
                     *q_input_);
}

void LayerPass::attention_output(Stream& stream, const PassTokens& tokens, Buffer& x) {
    add_to_residual(stream, tokens, Site::o, weights_->o, weights_->attention_post_norm.get(), x);
}

void LayerPass::ffn_input(Stream& stream, const PassTokens& tokens, const Buffer& x, Input kind) {
    Rounding to = rounding(Site::gate_up, tokens.path, kind);
    stream.norm(x, 0, tokens.rows, norm_params(*weights_->ffn_norm), to.transform, to.format, *hidden_input_);
}

void LayerPass::ffn_hidden(Stream& stream, const PassTokens& tokens, Input kind) {
    const std::array targets{target(weights_->gate, *gate_), target(weights_->up, *up_)};
    stream.linear(*hidden_input_, tokens.rows, targets);
    Rounding to = rounding(Site::down, tokens.path, kind);
    stream.glu(*gate_, *up_, tokens.rows, glu_kind(config_.glu), to.transform, to.format, *ffn_input_);
}

void LayerPass::ffn_output(Stream& stream, const PassTokens& tokens, Buffer& x) {
    add_to_residual(stream, tokens, Site::down, weights_->down, weights_->ffn_post_norm.get(), x);
}

void LayerPass::add_to_residual(Stream& stream, const PassTokens& tokens, Site site,
                                const LinearWeights& linear, const Weight* post_norm, Buffer& x) {
    if (!post_norm) {
        const std::array targets{target(linear, x, true)};
        stream.linear(input(site), tokens.rows, targets);
        return;
    }
    const std::array targets{target(linear, *branch_)};
    stream.linear(input(site), tokens.rows, targets);
    stream.norm_add(*branch_, tokens.rows, norm_params(*post_norm), x);
}

} // namespace fp4
