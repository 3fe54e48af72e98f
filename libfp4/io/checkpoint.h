// What every reader produces: named tensors in validated files, plus the documents that travel with them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/format/block_format.h"
#include "libfp4/format/dtype.h"
#include "libfp4/io/byte_source.h"
#include "libfp4/io/gguf_metadata.h"

namespace fp4 {

// ggml block types that exist only in GGUF files and are read as float32.
enum class GgmlType : uint8_t { q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k };

// How the bytes of a tensor mean numbers. Exactly one of the three kinds.
struct TensorEncoding {
    enum class Kind : uint8_t { plain, block, ggml } kind = Kind::plain;
    DType dtype = DType::f32;               // plain
    BlockFormat block = BlockFormat::mxfp4; // block: microscaling codes + scales
    GgmlType ggml = GgmlType::q4_0;         // ggml
};
std::string encoding_name(const TensorEncoding& encoding); // "BF16", "mxfp4", "Q4_K"

// shape: slowest dimension first (rows, K) as in PyTorch, whatever the file's own order. No dimension is
// zero and the number of elements is bounded (file_limits.h), so rows() and row_length() cannot overflow.
struct TensorInfo {
    std::string name;
    TensorEncoding encoding;
    std::vector<uint64_t> shape;
    uint64_t stored_bytes = 0;   // codes + scales + tensor scale for block tensors
    uint64_t rows() const;       // product of all but the last dimension; 1 for a vector or scalar
    uint64_t row_length() const; // the last dimension; 1 for a scalar
};

// Bytes of a file that hold one stored tensor. hash: XXH3-64, where the file has one.
struct StoredRegion {
    std::string name;
    std::shared_ptr<const ByteSource> source;
    uint64_t offset = 0;
    uint64_t bytes = 0;
    std::optional<uint64_t> hash;
    bool padding = false; // every byte is zero
};

class Checkpoint {
  public:
    virtual ~Checkpoint() = default;
    virtual const std::string& name() const = 0;
    virtual const char* kind() const = 0; // "safetensors", "gguf", "fp4"
    virtual const std::vector<TensorInfo>& tensors() const = 0;
    virtual const TensorInfo* find(std::string_view tensor_name) const; // null when there is none

    // Rows [first, first + count) as float32, target [count, row_length]. Any encoding. The read functions
    // are thread-safe, take tensors of this checkpoint's list (or copies of them), and need a small scratch
    // buffer only (limits::row_scratch), however long the rows are.
    virtual Result<void> read_f32(const TensorInfo& tensor, uint64_t first, uint64_t count,
                                  float* target) const = 0;

    // Plain tensors: the raw bytes of rows in the file's dtype. Block tensors: codes and scales
    // (ggml's own nibble order is converted). Other encodings: unsupported.
    virtual Result<void> read_plain(const TensorInfo& tensor, uint64_t first, uint64_t count,
                                    uint8_t* target) const = 0;
    virtual Result<void> read_block(const TensorInfo& tensor, uint64_t first, uint64_t count, uint8_t* codes,
                                    uint8_t* scales) const = 0;
    virtual Result<float> tensor_scale(const TensorInfo& tensor) const = 0; // 1 where the format has none

    // Zero-copy views where the file is mapped and its layout is ours; empty otherwise. Valid while the
    // checkpoint lives.
    virtual std::span<const uint8_t> map_plain(const TensorInfo& tensor) const = 0;
    struct MappedBlocks {
        std::span<const uint8_t> codes;
        std::span<const uint8_t> scales;
    };
    virtual MappedBlocks map_block(const TensorInfo& tensor) const = 0;

    // Documents by file name: "config.json", "tokenizer.json", "tokenizer_config.json",
    // "generation_config.json", "chat_template.jinja", "metadata.gguf" (a GGUF file without tensors). Not
    // found is an error with that status. A .fp4 file also has "manifest.json".
    virtual bool has_document(std::string_view document) const = 0;
    virtual Result<std::string> read_document(std::string_view document) const = 0;
    // What a conversion should carry over, sorted.
    virtual std::vector<std::string> document_names() const { return {}; }

    // GGUF checkpoints, and .fp4 files made from them.
    virtual const GgufMetadata* gguf() const { return nullptr; }

    // Every range of bytes the checkpoint consists of, for verify_checkpoint.
    virtual std::vector<StoredRegion> regions() const { return {}; }
};

struct OpenOptions {
    bool allow_map = true; // false: read_at only, for untrusted files and for streaming with little memory
};

// Path to a Hugging Face folder (or its model.safetensors / index), a .gguf file (any part of a split), or a
// .fp4 file.
Result<std::shared_ptr<Checkpoint>> open_checkpoint(const std::string& path, const OpenOptions& options);
// A single GGUF, .fp4 or safetensors image behind a host's reader. (Plain safetensors carry no documents.)
Result<std::shared_ptr<Checkpoint>> open_checkpoint(std::shared_ptr<ByteSource> source);

} // namespace fp4
