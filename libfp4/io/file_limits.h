// Every bound that numbers from a file are held against, in one place. A file beyond a limit is refused with
// Status::limit before anything is allocated for it. Most limits are far above any known model.
#pragma once

#include <cstdint>

namespace fp4::limits {

// Tensors of one checkpoint (all shards together) and what one tensor may be.
inline constexpr uint64_t max_tensors = 1u << 18;
inline constexpr uint64_t max_tensor_name = 512;
inline constexpr uint64_t max_dims = 8;
inline constexpr uint64_t max_elements = 1ull << 48; // so byte counts and offsets cannot overflow 64 bits
inline constexpr uint64_t max_shards = 1024;         // each one is an open file

// JSON: headers, shard indexes, manifests.
inline constexpr uint64_t max_safetensors_header = 100'000'000; // the safetensors specification's own limit
inline constexpr uint64_t max_json_depth = 64;
inline constexpr uint64_t max_json_values = 1u << 24;
inline constexpr uint64_t max_header_json_values = 3u << 20; // about ten to a tensor

// GGUF. Key and name lengths and the number of dimensions are the specification's.
inline constexpr uint64_t max_gguf_keys = 1u << 16;
inline constexpr uint64_t max_gguf_key = 65535;
inline constexpr uint64_t max_gguf_string = 1u << 26;
inline constexpr uint64_t max_gguf_array = 1u << 26;
inline constexpr uint64_t max_gguf_array_depth = 8;
inline constexpr uint64_t max_gguf_tensor_name = 64;
inline constexpr uint64_t max_gguf_dims = 4;
inline constexpr uint64_t min_gguf_alignment = 8;
inline constexpr uint64_t max_gguf_alignment = 1u << 16;

// Documents (tokenizer, configuration, template), unpacked. The ratio stops small files that unpack to huge
// ones; text of this kind packs 3 to 20 times.
inline constexpr uint64_t max_documents = 64;
inline constexpr uint64_t max_document_name = 128;
inline constexpr uint64_t max_document_bytes = 1u << 28;
inline constexpr uint64_t max_document_ratio = 200;
inline constexpr uint64_t free_document_bytes = 1u << 16; // the ratio does not apply below this size

// Memory used while rows stream from a file into the caller's buffer.
inline constexpr uint64_t row_scratch = 1u << 18;

} // namespace fp4::limits
