// A checkpoint understood as a transformer: which stored tensor plays which role. Reads headers only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libfp4/io/checkpoint.h"
#include "libfp4/model/config.h"
#include "libfp4/model/input_sites.h"
#include "libfp4/model/roles.h"

namespace fp4 {

struct SourceTensor {
    TensorSlot slot;
    std::string name;                 // canonical
    const TensorInfo* info = nullptr; // owned by the checkpoint
};

struct ModelSource {
    std::shared_ptr<Checkpoint> checkpoint;
    ModelConfig config;
    std::vector<SourceTensor> tensors; // in tensor_slots order, absent optional ones left out
    std::vector<LayerOutlines> sites;  // [layers]

    const SourceTensor* find(Role role, uint32_t layer = 0) const;
    uint64_t parameters() const;
};

// Fails with the tensor's name if one is missing, has the wrong shape, or an encoding its role cannot have.
Result<ModelSource> inspect_model(std::shared_ptr<Checkpoint> checkpoint);

// The model's chat template, or not_found.
Result<std::string> read_chat_template(const Checkpoint& checkpoint);

} // namespace fp4
