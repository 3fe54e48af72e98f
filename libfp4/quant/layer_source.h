// One layer of the original model, as float32 on the host and as device weights.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libfp4/engine/layer_weights.h"
#include "libfp4/model/model_source.h"

namespace fp4 {

// A linear of a layer.
struct SourceLinear {
    Role role = Role::q;
    const SourceTensor* tensor = nullptr;
    size_t rows = 0, cols = 0;
    std::shared_ptr<const std::vector<float>> values; // [rows, cols]
};

Site site_of(Role linear);

// The linears of a layer in the order of the sites. Values that are NaN or infinite are an error that names
// the tensor.
Result<std::vector<SourceLinear>> read_linears(const ModelSource& source, uint32_t layer);

// The linears of each site together, from a layer's linears in that order.
std::vector<std::span<const SourceLinear>> sites_of(std::span<const SourceLinear> linears);

// Norms and biases of a layer.
Result<void> load_vectors(const ModelSource& source, uint32_t layer, Backend& backend, LayerWeights& weights);

// A float32 matrix as a device weight that borrows the values.
Result<std::unique_ptr<Weight>> load_values(Backend& backend,
                                            std::shared_ptr<const std::vector<float>> values, size_t rows,
                                            size_t cols);

} // namespace fp4
