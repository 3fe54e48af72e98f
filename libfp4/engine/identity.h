// A fingerprint of a model, so that saved states are not loaded into another one.
#pragma once

#include <cstdint>

#include "libfp4/model/model_source.h"

namespace fp4 {

// XXH3 over the configuration, every tensor's name, encoding and shape, the first row of each, and the input
// sites.
Result<uint64_t> model_identity(const ModelSource& source);

} // namespace fp4
