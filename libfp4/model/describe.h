// A checkpoint in words: one JSON object for people and scripts. Reads headers only.
#pragma once

#include <memory>
#include <string>

#include "libfp4/io/checkpoint.h"

namespace fp4 {

// Keys: apps/README.md, "fp4 info --json". A file that is no model we can run is still described, with the
// reason as "error".
Result<std::string> describe_checkpoint(const std::shared_ptr<Checkpoint>& checkpoint);

// Size of the files that hold the tensors.
uint64_t file_bytes(const Checkpoint& checkpoint);

} // namespace fp4
