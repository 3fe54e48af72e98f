// What every reader produces: named tensors in validated files, plus the documents that travel with them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/format/block_format.h"
#include "libfp4/format/dtype.h"
#include "libfp4/io/gguf_metadata.h"

namespace fp4 {

// Random-access bytes: a file, or a host's own storage (fp4_io). read_at is thread-safe.
class ByteSource {
  public:
    virtual ~ByteSource() = default;
    virtual const std::string& name() const = 0; // for messages
    virtual uint64_t size() const = 0;
    virtual Result<void> read_at(uint64_t offset, std::span<uint8_t> target) const = 0;
    // The whole source mapped read-only, or an empty span where it cannot be mapped. Valid while the source lives.
    virtual std::span<const uint8_t> map() const = 0;
};

// Opens a regular file. Directories, sockets and the like are refused.
Result<std::shared_ptr<ByteSource>> open_file(const std::string& path, bool allow_map);

// ggml block types that exist only in GGUF files and are read as float32.
enum class GgmlType : uint8_t { q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k };

// How the bytes of a tensor mean numbers. Exactly one of the three kinds.
struct TensorEncoding {
    enum class Kind : uint8_t { plain, block, ggml } kind = Kind::plain;
    DType dtype = DType::f32;                   // plain
    BlockFormat block = BlockFormat::mxfp4;     // block: microscaling codes + scales
    GgmlType ggml = GgmlType::q4_0;             // ggml
};
std::string encoding_name(const TensorEncoding& encoding); // "BF16", "mxfp4", "Q4_K"

// shape: slowest dimension first (rows, K) as in PyTorch, whatever the file's own order; at most 4 dimensions.
struct TensorInfo {
    std::string name;
    TensorEncoding encoding;
    std::vector<uint64_t> shape;
    uint64_t stored_bytes = 0; // codes + scales + tensor scale for block tensors
    uint64_t rows() const;     // product of all but the last dimension; 1 for a vector or scalar
    uint64_t row_length() const; // the last dimension; 1 for a scalar
};

// Block-format data of some rows in the layout of block_format.h.
struct BlockRows {
    std::vector<uint8_t> codes;
    std::vector<uint8_t> scales;
};

class Checkpoint {
  public:
    virtual ~Checkpoint() = default;
    virtual const std::string& name() const = 0;
    virtual const char* kind() const = 0; // "safetensors", "gguf", "fp4"
    virtual const std::vector<TensorInfo>& tensors() const = 0;
    const TensorInfo* find(std::string_view tensor_name) const;

    // Rows [first, first + count) as float32, target [count, row_length]. Any encoding.
    virtual Result<void> read_f32(const TensorInfo& tensor, uint64_t first, uint64_t count, float* target) const = 0;

    // Plain tensors: the raw bytes of rows in the file's dtype. Block tensors: codes and scales
    // (ggml's own nibble order is converted). Other encodings: unsupported.
    virtual Result<void> read_plain(const TensorInfo& tensor, uint64_t first, uint64_t count, uint8_t* target) const = 0;
    virtual Result<void> read_block(const TensorInfo& tensor, uint64_t first, uint64_t count, uint8_t* codes,
                                    uint8_t* scales) const = 0;
    virtual Result<float> tensor_scale(const TensorInfo& tensor) const = 0; // 1 where the format has none

    // Zero-copy views where the file is mapped and its layout is ours; empty otherwise. Valid while the checkpoint lives.
    virtual std::span<const uint8_t> map_plain(const TensorInfo& tensor) const = 0;
    struct MappedBlocks {
        std::span<const uint8_t> codes;
        std::span<const uint8_t> scales;
    };
    virtual MappedBlocks map_block(const TensorInfo& tensor) const = 0;

    // Documents by file name: "config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json",
    // "chat_template.jinja", "metadata.gguf" (a GGUF file without tensors). Not found is an error with that status.
    virtual bool has_document(std::string_view document) const = 0;
    virtual Result<std::string> read_document(std::string_view document) const = 0;

    // GGUF checkpoints, and .fp4 files made from them.
    virtual const GgufMetadata* gguf() const { return nullptr; }
};

struct OpenOptions {
    bool allow_map = true; // false: read_at only, for untrusted files and for streaming with little memory
};

// Path to a Hugging Face folder (or its model.safetensors / index), a .gguf file (any part of a split), or a .fp4 file.
Result<std::shared_ptr<Checkpoint>> open_checkpoint(const std::string& path, const OpenOptions& options);
// A single .gguf or .fp4 image behind a host's reader.
Result<std::shared_ptr<Checkpoint>> open_checkpoint(std::shared_ptr<ByteSource> source);

} // namespace fp4
