// Split GGUF files: prefix-00001-of-00003.gguf and so on, described by the split.* keys of every part.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libfp4/io/gguf_parser.h"

namespace fp4 {

struct GgufSplit {
    uint64_t number = 0; // from 0
    uint64_t count = 1;  // 1: not split
};

Result<GgufSplit> split_of(const GgufHeader& header, const std::string& file);

// The paths of all parts in order, from the path of any of them.
Result<std::vector<std::string>> split_paths(const std::string& path, const GgufSplit& split);

} // namespace fp4
