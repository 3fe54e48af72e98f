// A site (model/input_sites.h) on a device.
#pragma once

#include <memory>
#include <optional>

#include "libfp4/engine/backend.h"
#include "libfp4/model/input_sites.h"

namespace fp4 {

// A site of a loaded layer.
struct InputSite {
    std::unique_ptr<Transform> transform;       // null: identity
    std::optional<ActivationFormat> activation; // what the weights were quantized for
};

} // namespace fp4
