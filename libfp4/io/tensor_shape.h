// The checks on a tensor's name and shape that every container shares.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "libfp4/base/result.h"

namespace fp4 {

// Number of elements; fails on a zero dimension, too many dimensions or too many elements.
// `where` begins the message: "model.gguf: tensor 'blk.0.attn_q.weight'".
Result<uint64_t> checked_elements(std::span<const uint64_t> shape, std::string_view where);

std::string shape_text(std::span<const uint64_t> shape); // "[576, 1536]"

// Text from a file, made fit for a message: control characters and bytes beyond ASCII are escaped, long text
// is cut.
std::string printable(std::string_view text);

} // namespace fp4
