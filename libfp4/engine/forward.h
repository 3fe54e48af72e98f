// The transformer, written once over the fused operations of a backend. A pass runs a chunk of tokens through
// all layers and can be stopped between layers: nothing is lost but the pass itself.
#pragma once

#include <memory>
#include <span>

#include "libfp4/engine/backend.h"
#include "libfp4/engine/layer_pass.h"
#include "libfp4/engine/model.h"

namespace fp4 {

struct ForwardConfig {
    size_t chunk = 256; // most tokens of a pass
    Path path_prefill = Path::automatic;
    Path path_decode = Path::automatic; // passes of one token
};

class Forward {
  public:
    static constexpr size_t logit_rows = 16; // most rows of one project()

    static Result<std::unique_ptr<Forward>> create(std::shared_ptr<const Model> model,
                                                   const ForwardConfig& config);
    // What create() takes of the device's memory.
    static uint64_t bytes(const ModelConfig& config, const Backend& backend, size_t chunk);

    // Tokens are checked by the caller: ids in the vocabulary, 1..chunk of them, position + count within the
    // cache.
    void begin(Stream& stream, std::span<const int32_t> tokens, size_t position);
    // A pass of the token that draw() leaves on the device.
    void begin_drawn(size_t position);
    // One layer (the first call also embeds), or all of them where the device repeats decode steps. Not after
    // finished().
    void advance(Stream& stream, KvCache& cache);
    bool finished() const { return layer_ == model_->layers.size(); }
    size_t rows() const { return tokens_.rows; }

    // Final norm and head of rows [first, first + count) of the finished pass into logits(): [count,
    // vocabulary].
    void project(Stream& stream, size_t first, size_t count);
    // The same for one row, divided: its norm, then any parts of the vocabulary in any order, until the next
    // begin().
    void begin_head(Stream& stream, size_t row);
    void project_part(Stream& stream, size_t first_token, size_t tokens);
    const Buffer& logits() const { return *logits_; }
    // Draws from a row of them; Stream::take_drawn() gives the token.
    Result<void> draw(Stream& stream, size_t row, const SampleRequest& request);
    Result<int32_t> sample(Stream& stream, size_t row, const SampleRequest& request);

  private:
    explicit Forward(std::shared_ptr<const Model> model);
    void run_layer(Stream& stream, KvCache& cache);
    void norm_output(Stream& stream, size_t first, size_t count);

    std::shared_ptr<const Model> model_;
    const uint64_t id_; // no other's
    ForwardConfig config_;
    std::unique_ptr<Buffer> ids_;    // int32 [chunk]
    std::unique_ptr<Buffer> x_;      // residual stream, f32 [chunk, hidden]
    std::unique_ptr<Buffer> logits_; // f32 [logit_rows, vocabulary]
    std::unique_ptr<LayerPass> pass_;

    PassTokens tokens_;
    int32_t sampled_ = -1; // the token in ids_[0] if it came from sample(): no need to send it back
    size_t layer_ = 0;     // next to run
};

} // namespace fp4
