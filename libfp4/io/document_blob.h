// Documents packed as zstd frames (RFC 8878) with their size and a checksum in the frame.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/base/result.h"

namespace fp4 {

// The same bytes for the same text with one version of zstd.
Result<std::vector<uint8_t>> pack_document(std::string_view text, const std::string& name);

// Exactly one frame whose size is stated and within file_limits.h.
Result<std::string> unpack_document(std::span<const uint8_t> packed, const std::string& name);

} // namespace fp4
