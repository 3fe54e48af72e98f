// The original model on its way through the calibration text, layer by layer.
#pragma once

#include "libfp4/engine/rope_tables.h"
#include "libfp4/quant/calibration/layer_walk.h"
#include "libfp4/quant/layer_source.h"

namespace fp4 {

class OriginalWalk {
  public:
    // Its hidden states are those before the first layer.
    static Result<std::unique_ptr<OriginalWalk>> create(const ModelSource& source, Backend& backend,
                                                        const CalibrationText& text,
                                                        const std::string& folder, int threads);

    // linears: of that layer; their values are borrowed by the device until the next layer.
    Result<void> enter(uint32_t layer, std::span<const SourceLinear> linears);
    LayerWalk& walk() { return *walk_; }

  private:
    OriginalWalk(const ModelSource& source, Backend& backend) : source_(source), backend_(backend) {}

    const ModelSource& source_;
    Backend& backend_;
    std::unique_ptr<Stream> stream_;
    RopeWeights ropes_;
    LayerWeights weights_;
    std::unique_ptr<LayerWalk> walk_;
};

} // namespace fp4
