// The work folder of a layered quantization: one .fp4 file for each finished layer, so that a killed run goes
// on after the last of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libfp4/engine/layer_weights.h"
#include "libfp4/io/checkpoint.h"
#include "libfp4/io/partial_file.h"
#include "libfp4/quant/site_quantizer.h"

namespace fp4 {

class LayerFiles {
  public:
    // key: of everything the layers depend on; files made under another one are not used. A folder in which
    // another process works is Status::busy.
    static Result<std::unique_ptr<LayerFiles>> open(const std::string& folder, const std::string& key,
                                                    const ModelConfig& config);

    const std::string& folder() const { return folder_; }
    // Layers [0, finished()) are complete.
    uint32_t finished() const { return static_cast<uint32_t>(layers_.size()); }
    const std::shared_ptr<Checkpoint>& layer(uint32_t layer) const { return layers_[layer]; }

    // report: JSON about the layer.
    Result<void> add(const std::vector<QuantizedSite>& sites, const std::string& report);
    Result<std::string> report(uint32_t layer) const;
    Result<LayerSites> sites(uint32_t layer) const;

    // A finished layer's linears, transforms and roundings on a device.
    Result<void> load(uint32_t layer, const ModelSource& source, Backend& backend,
                      LayerWeights& weights) const;

    // Deletes the folder.
    void remove();

  private:
    LayerFiles(std::string folder, std::string key, const ModelConfig& config)
        : folder_(std::move(folder)), key_(std::move(key)), config_(config) {}
    std::string path(uint32_t layer) const;
    Result<std::shared_ptr<Checkpoint>> open_finished(uint32_t layer) const;

    std::string folder_, key_;
    const ModelConfig& config_;
    std::unique_ptr<PartialFile> lock_;
    std::vector<std::shared_ptr<Checkpoint>> layers_;
};

} // namespace fp4
