// Checks every byte of a checkpoint.
#pragma once

#include <cstdint>
#include <functional>

#include "libfp4/io/checkpoint.h"

namespace fp4 {

// Called with the bytes done and in total, never from another thread; false stops with Status::cancelled.
using VerifyProgress = std::function<bool(uint64_t done, uint64_t total)>;

// .fp4: every stored tensor against its hash, padding against zero, tensor scales against being usable. Other
// containers have no hashes: every byte that the headers promise is read. Opening has checked the headers
// already.
Result<void> verify_checkpoint(const Checkpoint& checkpoint, const VerifyProgress& progress = {});

} // namespace fp4
