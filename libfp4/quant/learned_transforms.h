// Transforms that another program found, for example by gradients (SpinQuant, FlatQuant), read from a
// safetensors file.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "libfp4/io/checkpoint.h"
#include "libfp4/model/input_sites.h"
#include "libfp4/quant/transform/site_transform.h"

namespace fp4 {

// Tensors are named as in a .fp4 file (io/README.md, "Input sites"): fp4.layers.3.down.matrix
// [1 or K / block, block, block], x' = x M for every run of `block` channels, and
// fp4.layers.3.down.channel_scale [K], which inputs are multiplied with first. Sites without any keep the
// recipe's transform.
class LearnedTransforms {
  public:
    // Every tensor of the file is checked against the model's sizes. Errors name the file and the tensor.
    static Result<std::unique_ptr<LearnedTransforms>> open(const std::string& path,
                                                           const ModelConfig& config);

    uint64_t hash() const { return hash_; } // of all names and numbers

    // nullopt where the file has nothing for the site. A matrix that cannot be inverted is an error.
    Result<std::optional<SiteTransform>> read(uint32_t layer, Site site) const;

  private:
    LearnedTransforms(std::shared_ptr<Checkpoint> file, const ModelConfig& config)
        : file_(std::move(file)), config_(config) {}
    Result<void> check();
    Result<std::vector<double>> values(const TensorInfo& tensor) const;

    std::shared_ptr<Checkpoint> file_;
    const ModelConfig& config_;
    uint64_t hash_ = 0;
};

} // namespace fp4
