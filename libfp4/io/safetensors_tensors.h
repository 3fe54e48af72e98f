// From a validated safetensors entry to a tensor of a checkpoint.
#pragma once

#include <memory>
#include <vector>

#include "libfp4/io/safetensors_header.h"
#include "libfp4/io/stored_checkpoint.h"

namespace fp4 {

void append_safetensors_tensor(const SafetensorsEntry& entry, const std::shared_ptr<ByteSource>& source,
                               std::vector<StoredTensor>& tensors, std::vector<StoredRegion>& regions);

} // namespace fp4
