// One transformer layer over the fused operations of a backend, in six steps. Forward runs them in a row;
// calibration stops between them to look at the inputs of the linears.
#pragma once

#include <memory>
#include <vector>

#include "libfp4/engine/layer_weights.h"
#include "libfp4/engine/path.h"
#include "libfp4/engine/rope_tables.h"
#include "libfp4/model/config.h"

namespace fp4 {

// Tokens [position, position + rows) of a sequence.
struct PassTokens {
    size_t rows = 0;
    size_t position = 0;
    Path path = Path::automatic;
};

// All weights that multiply long passes' inputs (Backend::create_activation): of the hidden width, of the
// query heads' and of the feed-forward part's. Empty: not known yet.
struct InputReaders {
    std::vector<const Weight*> hidden, q, ffn;
    void add(const LayerWeights& layer);
};

class LayerPass {
  public:
    // max_rows: most tokens of a pass; max_inputs: most rows of the hidden-wide input, which other users of
    // it may want larger.
    static Result<std::unique_ptr<LayerPass>> create(const ModelConfig& config, Backend& backend,
                                                     size_t max_rows, size_t max_inputs,
                                                     const InputReaders& readers = {});
    // What create() takes of the device's memory.
    static uint64_t bytes(const ModelConfig& config, const Backend& backend, size_t max_rows,
                          size_t max_inputs);

    // What a step that makes a linear's input does to it.
    enum class Input : uint8_t {
        rounded,     // the site's transform, rounded as the path says
        transformed, // the transform alone
        plain        // as the layer computes it
    };

    void select(const LayerWeights& weights, size_t layer, const RopeTables& ropes, size_t cache_layer);

    // x: the residual stream, f32 [rows, hidden]
    void attention_input(Stream& stream, const PassTokens& tokens, const Buffer& x,
                         Input kind = Input::rounded);
    void attention(Stream& stream, const PassTokens& tokens, KvCache& cache, Input kind = Input::rounded);
    void attention_output(Stream& stream, const PassTokens& tokens, Buffer& x);
    void ffn_input(Stream& stream, const PassTokens& tokens, const Buffer& x, Input kind = Input::rounded);
    void ffn_hidden(Stream& stream, const PassTokens& tokens, Input kind = Input::rounded);
    void ffn_output(Stream& stream, const PassTokens& tokens, Buffer& x);

    // What the steps above leave for the linears of a site: [rows, hidden | q_width | hidden | ffn].
    Activation& input(Site site);

  private:
    LayerPass(const ModelConfig& config, Backend& backend) : config_(config), backend_(backend) {}
    Result<void> allocate(size_t max_rows, size_t max_inputs, const InputReaders& readers);
    void add_to_residual(Stream& stream, const PassTokens& tokens, Site site, const LinearWeights& linear,
                         const Weight* post_norm, Buffer& x);
    NormParams norm_params(const Weight& weight) const { return {&weight, config_.norm_epsilon}; }

    struct Rounding {
        const Transform* transform = nullptr;
        ActivationFormat format;
    };
    Rounding rounding(Site site, Path path, Input kind) const;

    const ModelConfig& config_;
    Backend& backend_;
    std::unique_ptr<Buffer> q_, k_, v_; // f32 [max_rows, q_width | kv_width]
    std::unique_ptr<Buffer> gate_, up_; // f32 [max_rows, ffn]
    std::unique_ptr<Buffer> branch_;    // f32 [max_rows, hidden], models with post norms
    std::unique_ptr<Activation> hidden_input_, q_input_, ffn_input_;

    const LayerWeights* weights_ = nullptr;
    size_t layer_ = 0;
    size_t cache_layer_ = 0;
    RopeTables ropes_;
};

} // namespace fp4
