// Models with random weights, of any shape, without a file: for measurements and tests. A checkpoint like any
// other, whose bytes are made when they are read.
#pragma once

#include <memory>
#include <string_view>

#include "libfp4/io/checkpoint.h"
#include "libfp4/model/config.h"

namespace fp4 {

// A name of synthetic_shapes(), or the text of a config.json.
Result<ModelConfig> synthetic_shape(std::string_view shape);
std::vector<std::string_view> synthetic_shapes();

struct SyntheticModel {
    ModelConfig config;
    TensorEncoding matrices; // of embedding and head too; other tensors are float32
    uint64_t seed = 0;
};
// A format by its name: "mxfp4", "nvfp4" ..., "bf16", "f16", "f32".
Result<TensorEncoding> matrix_encoding(std::string_view format);

// Weights are normal numbers with deviation 1 / sqrt(K), so that outputs are about as large as inputs.
Result<std::shared_ptr<Checkpoint>> synthetic_checkpoint(const SyntheticModel& model);

} // namespace fp4
