// The header of a GGUF v3 file as plain data: key-value section and tensor table. Nothing is believed before
// it is held against the file's size and file_limits.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/io/byte_source.h"
#include "libfp4/io/checkpoint.h"
#include "libfp4/io/gguf_metadata.h"

namespace fp4 {

// A tensor whose type, shape and place in the file are valid.
struct GgufTensor {
    std::string name;
    TensorEncoding encoding;
    std::vector<uint64_t> shape; // slowest dimension first
    uint64_t offset = 0;         // in the file
    uint64_t bytes = 0;
};

// Where one key-value pair lies in the file, so that it can be copied as it is.
struct GgufKeyRange {
    std::string key;
    uint64_t offset = 0;
    uint64_t bytes = 0;
};

struct GgufHeader {
    GgufMetadata metadata;
    std::vector<GgufKeyRange> keys;  // in file order
    std::vector<GgufTensor> tensors; // in file order, names unique
    uint64_t alignment = 0;
};

Result<GgufHeader> parse_gguf(const ByteSource& source);

// Size in bytes of a tensor in ggml's layout; fails where its rows are no whole number of blocks.
Result<uint64_t> ggml_tensor_bytes(const TensorEncoding& encoding, const std::vector<uint64_t>& shape,
                                   const std::string& where);

} // namespace fp4
