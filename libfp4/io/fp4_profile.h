// The names, keys and shapes of the .fp4 profile of safetensors. README.md of this folder is its
// specification; reader and writer share this one statement of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/io/checkpoint.h"

namespace fp4::profile {

inline constexpr uint64_t alignment = 256;

// Keys of __metadata__. All but the first begin with own_key_prefix.
inline constexpr std::string_view own_key_prefix = "fp4_";
inline constexpr std::string_view format_key = "format";
inline constexpr std::string_view format_value = "fp4";
inline constexpr std::string_view version_key = "fp4_profile_version";
inline constexpr std::string_view version_value = "1";
inline constexpr std::string_view manifest_key = "fp4_manifest";
inline constexpr std::string_view tensors_key = "fp4_tensors";
inline constexpr std::string_view header_hash_key = "fp4_header_hash";
inline constexpr std::string_view hash_prefix = "fp4_hash."; // + name of the stored tensor
inline constexpr std::string_view unset_hash = "0000000000000000";

// Names of stored tensors.
inline constexpr std::string_view reserved_prefix = "fp4.";
inline constexpr std::string_view document_prefix = "fp4.document."; // + file name
inline constexpr std::string_view padding_prefix = "fp4.pad.";       // + running number
inline constexpr std::string_view site_prefix = "fp4.layers.";       // + layer.site.matrix or .channel_scale
inline constexpr std::string_view codes_suffix = ".codes";
inline constexpr std::string_view scale_suffix = ".block_scale";
inline constexpr std::string_view tensor_scale_suffix = ".tensor_scale";

inline constexpr std::string_view manifest_document = "manifest.json";
inline constexpr std::string_view sites_document = "input_sites.json";

// Names that tensors may have: all but reserved ones, of which those of input sites are F32 or in an MX
// format.
bool plain_name_allowed(std::string_view name, DType dtype);
bool block_name_allowed(std::string_view name, BlockFormat format);

// One tensor as safetensors sees it.
struct Part {
    std::string name;
    DType dtype;
    std::vector<uint64_t> shape;
    uint64_t bytes;
};

// What a logical tensor is stored as: itself, or codes, block scales and tensor scale in this order.
// Fails for ggml encodings and for shapes that no checkpoint may have.
Result<std::vector<Part>> stored_parts(const std::string& name, const TensorEncoding& encoding,
                                       const std::vector<uint64_t>& shape);

DType scale_dtype(BlockFormat format); // F8_E4M3 for NVFP4, F8_E8M0 for the MX formats

// A document's name is that of a plain file.
Result<void> check_document_name(std::string_view name);

// Hash of the header's JSON text with the 16 digits of the header hash itself (at `digits`) taken as zeros.
uint64_t header_hash(std::string text, size_t digits);
// Where those digits stand; npos if the key does not stand in the text exactly once.
size_t find_header_hash(std::string_view text);

} // namespace fp4::profile
