// One typed value of a GGUF key-value section.
#pragma once

#include <optional>
#include <string_view>

#include "libfp4/io/gguf_cursor.h"
#include "libfp4/io/gguf_metadata.h"

namespace fp4 {

// Reads the type number and the value after it. nullopt: an array of arrays, read past but not kept.
Result<std::optional<GgufValue>> read_gguf_value(GgufCursor& cursor, std::string_view what);

} // namespace fp4
