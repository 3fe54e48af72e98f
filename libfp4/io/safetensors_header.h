// The header of a safetensors file, parsed and validated against the file's size before any tensor is
// touched. Format: u64 little-endian header length, that many bytes of JSON (padded with spaces), tensor
// data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/format/dtype.h"
#include "libfp4/io/byte_source.h"

namespace fp4 {

struct SafetensorsEntry {
    std::string name;
    DType dtype = DType::f32;
    std::vector<uint64_t> shape;
    uint64_t offset = 0; // in the file
    uint64_t bytes = 0;
};

struct SafetensorsHeader {
    std::string text; // the JSON as it stands in the file, padding included
    std::map<std::string, std::string, std::less<>> metadata;
    std::vector<SafetensorsEntry> entries; // by offset; they fill the data section without holes
};

Result<SafetensorsHeader> read_safetensors_header(const ByteSource& source);

// The same on a header's JSON text alone. data_bytes: size of the data section that must be filled.
Result<SafetensorsHeader> parse_safetensors_header(std::string text, uint64_t data_bytes,
                                                   const std::string& file);

} // namespace fp4
