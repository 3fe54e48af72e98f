// Which format each tensor of a model is written in.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/model/model_source.h"

namespace fp4 {

// "PATTERN=FORMAT". Patterns match whole names; * stands for any run of characters, ? for one.
struct KeepRule {
    std::string pattern;
    bool source = false; // the source's own precision
    TensorEncoding encoding;
};
Result<KeepRule> parse_keep_rule(std::string_view text);
bool matches_pattern(std::string_view pattern, std::string_view name);

// The first matching rule wins. Otherwise linears of layers take the format; embedding and head stay at 16
// bit, or go to 8-bit blocks (MXINT8) where the source holds them in 8 bit or less; vectors stay as they are.
TensorEncoding target_encoding(const SourceTensor& tensor, BlockFormat format,
                               const std::vector<KeepRule>& rules);

} // namespace fp4
