#include "libfp4/io/fp4_profile.h"

#include "libfp4/io/file_limits.h"
#include "libfp4/io/tensor_shape.h"
#include "libfp4/io/xxh3.h"

namespace fp4::profile {

bool plain_name_allowed(std::string_view name, DType dtype) {
    return !name.starts_with(reserved_prefix) || (name.starts_with(site_prefix) && dtype == DType::f32);
}

bool block_name_allowed(std::string_view name, BlockFormat format) {
    return !name.starts_with(reserved_prefix) ||
           (name.starts_with(site_prefix) && format != BlockFormat::nvfp4);
}

Result<std::vector<Part>> stored_parts(const std::string& name, const TensorEncoding& encoding,
                                       const std::vector<uint64_t>& shape) {
    std::string where = concat("tensor '", printable(name), "'");
    // The suffix of a part must leave its name within the limit too.
    if (name.empty() || name.size() + tensor_scale_suffix.size() > limits::max_tensor_name) {
        return error(Status::argument, where, ": name of ", name.size(), " bytes");
    }
    const bool plain = encoding.kind == TensorEncoding::Kind::plain;
    const bool allowed =
        plain ? plain_name_allowed(name, encoding.dtype) : block_name_allowed(name, encoding.block);
    if (!allowed || name == "__metadata__") {
        return error(Status::argument, where, ": this name is reserved");
    }
    FP4_ASSIGN(uint64_t elements, checked_elements(shape, where));
    std::vector<Part> parts;
    switch (encoding.kind) {
        case TensorEncoding::Kind::plain:
            parts.push_back({name, encoding.dtype, shape, elements * dtype_size(encoding.dtype)});
            return parts;
        case TensorEncoding::Kind::ggml:
            return error(Status::argument, where, ": ", encoding_name(encoding),
                         " has no place in a .fp4 file");
        case TensorEncoding::Kind::block:
            break;
    }
    TensorInfo info{name, encoding, shape, 0};
    uint64_t rows = info.rows();
    uint64_t codes = row_code_bytes(encoding.block, info.row_length());
    uint64_t scales = row_scales(encoding.block, info.row_length());
    parts.push_back({concat(name, codes_suffix), DType::u8, {rows, codes}, rows * codes});
    parts.push_back({concat(name, scale_suffix), scale_dtype(encoding.block), {rows, scales}, rows * scales});
    parts.push_back({concat(name, tensor_scale_suffix), DType::f32, {1}, sizeof(float)});
    return parts;
}

DType scale_dtype(BlockFormat format) {
    return format == BlockFormat::nvfp4 ? DType::f8_e4m3 : DType::f8_e8m0;
}

Result<void> check_document_name(std::string_view name) {
    bool plain = !name.empty() && name.size() <= limits::max_document_name && name.front() != '.';
    for (char c : name) {
        plain &= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                 c == '_' || c == '-';
    }
    if (plain && name != manifest_document) return {};
    return error(Status::format, "document name '", printable(name), "' is not allowed");
}

uint64_t header_hash(std::string text, size_t digits) {
    text.replace(digits, unset_hash.size(), unset_hash);
    return xxh3(text);
}

size_t find_header_hash(std::string_view text) {
    std::string key = concat('"', header_hash_key, "\":\"");
    size_t at = text.find(key);
    if (at == text.npos || text.find(key, at + 1) != text.npos) return text.npos;
    at += key.size();
    return at + unset_hash.size() < text.size() ? at : text.npos;
}

} // namespace fp4::profile
