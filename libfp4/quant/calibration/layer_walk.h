// Calibration sequences moved through one layer at a time: hidden states come from and go back to a scratch
// file, and the inputs of each site can be looked at on the way.
#pragma once

#include <functional>

#include "libfp4/engine/layer_pass.h"
#include "libfp4/model/model_source.h"
#include "libfp4/quant/calibration/calibration_text.h"
#include "libfp4/quant/calibration/hidden_states.h"

namespace fp4 {

// Called before every sequence; an error (a cancelled job) ends the walk.
using WalkProgress = std::function<Result<void>(size_t sequence)>;

class LayerWalk {
  public:
    using Input = LayerPass::Input;

    // The stream must outlive the walk and may serve several.
    static Result<std::unique_ptr<LayerWalk>> create(const ModelConfig& config, Backend& backend,
                                                     Stream& stream, const CalibrationText& text,
                                                     const std::string& folder, Path path);

    // Hidden states before the first layer.
    Result<void> embed(const Weight& embedding, const CalibrationText& text);
    void select(const LayerWeights& weights, size_t layer, const RopeTables& ropes) {
        pass_->select(weights, layer, ropes, 0);
    }

    // Leaves the site's input of one sequence in input(site) and the residual stream before the site's block
    // in x(). The states of sites gate_up and down are those after finish_attention().
    Result<void> run_to(Site site, size_t sequence, Input kind);
    // All sequences through the first or the second half of the layer.
    Result<void> finish_attention(const WalkProgress& progress);
    Result<void> finish_layer(const WalkProgress& progress);

    const Activation& input(Site site) { return pass_->input(site); }
    Stream& stream() { return stream_; }
    size_t sequences() const { return states_->sequences(); }
    size_t length() const { return states_->length(); }
    const ModelConfig& config() const { return config_; }

  private:
    LayerWalk(const ModelConfig& config, Stream& stream) : config_(config), stream_(stream) {}
    Result<void> load(size_t sequence);
    Result<void> store(size_t sequence);

    const ModelConfig& config_;
    Stream& stream_;
    PassTokens tokens_;
    std::unique_ptr<LayerPass> pass_;
    std::unique_ptr<KvCache> cache_; // one layer, f32
    std::unique_ptr<Buffer> x_;      // the residual stream, f32 [length, hidden]
    std::unique_ptr<Buffer> ids_;
    std::unique_ptr<HiddenStates> states_;
    std::vector<float> transfer_; // [length, hidden]
};

// The hidden states before the first layer, by the model's own embedding table.
Result<void> embed_text(const ModelSource& source, Backend& backend, const CalibrationText& text,
                        LayerWalk& walk);

} // namespace fp4
