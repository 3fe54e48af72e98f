// A context's tokens and KV cache as bytes: saved, restored, moved between processes.
//
// Layout, little endian: magic "FP4STATE", u32 version, u32 layers, u32 row (bytes of one token's keys), u32
// tokens, u64 model identity, u64 XXH3-64 of everything after this field before compression; then one zstd
// frame holding int32 tokens[n] and for each layer keys[n][row], values[n][row].
#pragma once

#include <functional>

#include "libfp4/engine/context.h"
#include "libfp4/io/checkpoint.h"

namespace fp4 {

// Appends bytes to wherever the state goes.
using ByteSink = std::function<Result<void>(std::span<const uint8_t>)>;

Result<void> save_state(Context& context, const ByteSink& sink);
Result<void> load_state(Context& context, const ByteSource& source);

// save_state to a file that appears under its name only when complete.
Result<void> save_state_file(Context& context, const std::string& path);

} // namespace fp4
