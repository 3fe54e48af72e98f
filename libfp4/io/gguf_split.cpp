#include "libfp4/io/gguf_split.h"

#include <cstdio>

#include "libfp4/io/file_limits.h"

namespace fp4 {
namespace {

std::string part_suffix(uint64_t number, uint64_t count) {
    char text[64];
    std::snprintf(text, sizeof text, "-%05llu-of-%05llu.gguf", static_cast<unsigned long long>(number + 1),
                  static_cast<unsigned long long>(count));
    return text;
}

} // namespace

Result<GgufSplit> split_of(const GgufHeader& header, const std::string& file) {
    const GgufMetadata& metadata = header.metadata;
    if (!metadata.contains("split.count")) return GgufSplit{};
    auto count = metadata.unsigned_integer("split.count");
    auto number = metadata.unsigned_integer("split.no");
    if (!count || *count > limits::max_shards) {
        return error(Status::format, file, ": key 'split.count' is not a number up to ", limits::max_shards);
    }
    if (*count <= 1) return GgufSplit{};
    if (!number || *number >= *count) {
        return error(Status::format, file, ": key 'split.no' is not a number below split.count, ", *count);
    }
    return GgufSplit{*number, *count};
}

Result<std::vector<std::string>> split_paths(const std::string& path, const GgufSplit& split) {
    std::string suffix = part_suffix(split.number, split.count);
    if (!path.ends_with(suffix)) {
        return error(Status::format, path, ": is part ", split.number + 1, " of ", split.count,
                     " of a split model, so its name must end with '", suffix,
                     "' for the other parts to be found");
    }
    std::string prefix = path.substr(0, path.size() - suffix.size());
    std::vector<std::string> paths;
    for (uint64_t i = 0; i < split.count; i++) paths.push_back(prefix + part_suffix(i, split.count));
    return paths;
}

} // namespace fp4
