#include "libfp4/io/fp4_layout.h"

#include <cstdio>

#include "libfp4/base/checked.h"
#include "libfp4/io/file_limits.h"
#include "libfp4/io/json_document.h"
#include "libfp4/io/safetensors_header.h"
#include "libfp4/io/tensor_shape.h"

namespace fp4 {
namespace {

using profile::Part;

// Text as a JSON string. Validity as UTF-8 is checked when the finished header is parsed back.
void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
            out += escaped;
        } else {
            out += c;
        }
    }
    out += '"';
}

std::string json_string(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

std::string plain_shape(const std::vector<uint64_t>& shape) {
    std::string out = "[";
    for (uint64_t dim : shape) {
        if (out.size() > 1) out += ',';
        out += std::to_string(dim);
    }
    return out + "]";
}

// Encoding and shape of the block tensors, which their stored parts alone do not tell.
std::string tensor_table(const std::vector<Fp4TensorPlan>& tensors) {
    std::string table = "{";
    for (const Fp4TensorPlan& tensor : tensors) {
        if (tensor.encoding.kind != TensorEncoding::Kind::block) continue;
        if (table.size() > 1) table += ',';
        append_json_string(table, tensor.name);
        table += concat(":{\"encoding\":\"", encoding_name(tensor.encoding),
                        "\",\"shape\":", plain_shape(tensor.shape), "}");
    }
    return table + "}";
}

void append_entry(std::string& header, const Part& part, uint64_t begin) {
    header += ',';
    append_json_string(header, part.name);
    header += concat(":{\"dtype\":\"", dtype_name(part.dtype), "\",\"shape\":", plain_shape(part.shape),
                     ",\"data_offsets\":[", begin, ',', begin + part.bytes, "]}");
}

Result<void> collect_parts(const std::vector<Fp4TensorPlan>& tensors,
                           const std::vector<Fp4Document>& documents,
                           const std::vector<std::vector<uint8_t>>& packed, Fp4Layout& layout) {
    for (size_t i = 0; i < documents.size(); i++) {
        FP4_TRY(profile::check_document_name(documents[i].name));
        uint64_t bytes = packed[i].size();
        layout.stored.push_back(
            {{concat(profile::document_prefix, documents[i].name), DType::u8, {bytes}, bytes}});
    }
    for (const Fp4TensorPlan& tensor : tensors) {
        FP4_ASSIGN(std::vector<Part> parts,
                   profile::stored_parts(tensor.name, tensor.encoding, tensor.shape));
        layout.first_part.push_back(layout.stored.size());
        for (Part& part : parts) layout.stored.push_back({std::move(part)});
    }
    return {};
}

// Offsets relative to the data section, each aligned; the gaps become padding entries, as safetensors allow
// no holes. Returns the size of the data section.
Result<uint64_t> place_parts(Fp4Layout& layout, std::string& entries) {
    uint64_t end = 0;
    uint64_t padding = 0;
    for (Fp4Layout::Stored& stored : layout.stored) {
        uint64_t gap =
            *checked_align_up(end, profile::alignment) - end; // far below the type's end: file_limits.h
        if (gap > 0) {
            append_entry(entries, {concat(profile::padding_prefix, padding++), DType::u8, {gap}, gap}, end);
            end += gap;
        }
        stored.offset = end;
        append_entry(entries, stored.part, end);
        end += stored.part.bytes;
        if (end > limits::max_elements) return error(Status::limit, "the file would be larger than any disk");
    }
    return end;
}

} // namespace

Result<Fp4Layout> plan_fp4_layout(const std::string& path, const std::vector<Fp4TensorPlan>& tensors,
                                  const std::vector<Fp4Document>& documents,
                                  const std::vector<std::vector<uint8_t>>& packed,
                                  std::string_view manifest) {
    FP4_ASSIGN(JsonValue parsed, parse_json(manifest, concat(path, ": manifest")));
    if (!parsed.object()) return error(Status::argument, path, ": the manifest is not a JSON object");
    if (documents.size() > limits::max_documents) {
        return error(Status::argument, path, ": ", documents.size(), " documents, the limit is ",
                     limits::max_documents);
    }
    Fp4Layout layout;
    FP4_TRY(collect_parts(tensors, documents, packed, layout));
    std::string entries;
    FP4_ASSIGN(uint64_t data_bytes, place_parts(layout, entries));

    std::string& header = layout.header;
    header = concat("{\"__metadata__\":{\"", profile::format_key, "\":\"", profile::format_value, "\",\"",
                    profile::version_key, "\":\"", profile::version_value, "\",\"", profile::header_hash_key,
                    "\":\"");
    layout.header_hash_digits = header.size();
    header += concat(profile::unset_hash, "\",\"", profile::manifest_key, "\":", json_string(manifest), ",\"",
                     profile::tensors_key, "\":", json_string(tensor_table(tensors)));
    for (Fp4Layout::Stored& stored : layout.stored) {
        header += ',';
        append_json_string(header, concat(profile::hash_prefix, stored.part.name));
        header += ":\"";
        stored.hash_digits = header.size();
        header += concat(profile::unset_hash, '"');
    }
    header += concat('}', entries, '}');
    constexpr uint64_t length_bytes = 8;
    header.resize(*checked_align_up(length_bytes + header.size(), profile::alignment) - length_bytes, ' ');
    if (header.size() > limits::max_safetensors_header) {
        return error(Status::limit, path, ": header of ", header.size(), " bytes, the limit is ",
                     limits::max_safetensors_header);
    }
    for (Fp4Layout::Stored& stored : layout.stored) stored.offset += length_bytes + header.size();
    layout.file_bytes = length_bytes + header.size() + data_bytes;

    // The reader's own parser decides whether names, shapes and text make a valid header.
    FP4_ASSIGN(SafetensorsHeader check, parse_safetensors_header(header, data_bytes, path));
    return layout;
}

} // namespace fp4
