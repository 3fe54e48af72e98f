// Strict, bounded JSON parsing: the one place where JSON from a file becomes a value.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "libfp4/base/result.h"
#include "libfp4/io/file_limits.h"

namespace fp4 {

struct JsonLimits {
    uint64_t max_depth = limits::max_json_depth;
    uint64_t max_values = limits::max_json_values;
};

// Refuses duplicate keys (readers disagree on which one counts), invalid UTF-8, trailing text, numbers that
// do not fit and documents beyond the limits. `what` names the document in messages. No exception leaves it
// but bad_alloc.
Result<nlohmann::json> parse_json(std::string_view text, std::string_view what,
                                  const JsonLimits& limits = {});

} // namespace fp4
