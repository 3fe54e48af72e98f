// Frequencies of the rotary embedding, on the device.
#pragma once

#include <memory>

#include "libfp4/engine/backend.h"
#include "libfp4/model/model_source.h"

namespace fp4 {

struct RopeTables {
    const Weight* global = nullptr; // [1, head_dim / 2]
    const Weight* local = nullptr;  // of sliding-window layers
};

struct RopeWeights {
    std::unique_ptr<Weight> global; // [1, head_dim / 2]
    std::unique_ptr<Weight> local;  // of sliding-window layers

    static Result<RopeWeights> load(const ModelSource& source, Backend& backend);
    RopeTables tables() const { return {global.get(), local.get()}; }
};

} // namespace fp4
