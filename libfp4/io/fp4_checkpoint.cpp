#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "libfp4/io/document_blob.h"
#include "libfp4/io/file_limits.h"
#include "libfp4/io/fp4_profile.h"
#include "libfp4/io/gguf_document.h"
#include "libfp4/io/json_document.h"
#include "libfp4/io/readers.h"
#include "libfp4/io/stored_checkpoint.h"
#include "libfp4/io/tensor_shape.h"
#include "libfp4/io/xxh3.h"

namespace fp4 {
namespace {

// One file while it is being taken apart.
struct Fp4File {
    std::shared_ptr<ByteSource> source;
    const SafetensorsHeader& header;
    std::unordered_map<std::string_view, const SafetensorsEntry*> entries;
    std::unordered_set<std::string_view> parts; // names of entries that belong to a block tensor

    const std::string& name() const { return source->name(); }
};

Result<std::string_view> metadata(const Fp4File& file, std::string_view key) {
    auto found = file.header.metadata.find(key);
    if (found != file.header.metadata.end()) return std::string_view(found->second);
    return error(Status::format, file.name(), ": '__metadata__' has no '", printable(key), "'");
}

Result<void> check_header(const Fp4File& file) {
    FP4_ASSIGN(std::string_view version, metadata(file, profile::version_key));
    if (version != profile::version_value) {
        return error(Status::version, file.name(), ": .fp4 profile version '", printable(version),
                     "', this library reads version ", profile::version_value);
    }
    FP4_ASSIGN(std::string_view digits, metadata(file, profile::header_hash_key));
    uint64_t stated = 0;
    size_t at = profile::find_header_hash(file.header.text);
    if (at == std::string::npos || !parse_hash(digits, stated)) {
        return error(Status::format, file.name(), ": '", profile::header_hash_key, "' is not in its place");
    }
    if (profile::header_hash(file.header.text, at) != stated) {
        return error(Status::corrupt, file.name(),
                     ": the header does not match its hash; the file is damaged");
    }
    return {};
}

struct TableEntry {
    std::string name;
    TensorEncoding encoding;
    std::vector<uint64_t> shape;
};

Result<std::vector<TableEntry>> read_table(const Fp4File& file) {
    FP4_ASSIGN(std::string_view text, metadata(file, profile::tensors_key));
    std::string where = concat(file.name(), ": '", profile::tensors_key, "'");
    FP4_ASSIGN(JsonValue root,
               parse_json(text, where, {.max_depth = 3, .max_values = limits::max_header_json_values}));
    if (!root.object()) return error(Status::format, where, " is not an object");
    std::vector<TableEntry> table;
    for (const auto& [name, described] : *root.object()) {
        std::string what = concat(where, ": tensor '", printable(name), "'");
        const JsonValue* encoding = described.find("encoding");
        const JsonValue* shape = described.find("shape");
        if (!encoding || !encoding->string() || !shape || !shape->array()) {
            return error(Status::format, what, " has no 'encoding' string and 'shape' array");
        }
        auto format = parse_block_format(*encoding->string());
        if (!format) {
            return error(Status::unsupported, what, " has the unknown encoding '",
                         printable(*encoding->string()), "'");
        }
        TableEntry entry{name, {.kind = TensorEncoding::Kind::block, .block = *format}, {}};
        for (const JsonValue& dim : *shape->array()) {
            auto number = dim.unsigned_integer();
            if (!number)
                return error(Status::format, what, ": 'shape' holds something that is no unsigned integer");
            entry.shape.push_back(*number);
        }
        table.push_back(std::move(entry));
    }
    return table;
}

// The stored tensor that must be there for a part of a block tensor.
Result<const SafetensorsEntry*> find_part(Fp4File& file, const profile::Part& part) {
    auto found = file.entries.find(part.name);
    if (found == file.entries.end()) {
        return error(Status::format, file.name(), ": has no stored tensor '", printable(part.name), "'");
    }
    const SafetensorsEntry* entry = found->second;
    if (entry->dtype != part.dtype || entry->shape != part.shape) {
        return error(Status::format, file.name(), ": stored tensor '", printable(part.name), "' is ",
                     dtype_name(entry->dtype), " ", shape_text(entry->shape), ", expected ",
                     dtype_name(part.dtype), " ", shape_text(part.shape));
    }
    file.parts.insert(entry->name);
    return entry;
}

Result<StoredTensor> block_tensor(Fp4File& file, const TableEntry& described) {
    auto parts = profile::stored_parts(described.name, described.encoding, described.shape);
    if (!parts) return error(Status::format, file.name(), ": ", parts.error().message);
    std::vector<const SafetensorsEntry*> entries;
    uint64_t bytes = 0;
    for (const profile::Part& part : *parts) {
        FP4_ASSIGN(const SafetensorsEntry* entry, find_part(file, part));
        entries.push_back(entry);
        bytes += entry->bytes;
    }
    return StoredTensor{
        .info = {described.name, described.encoding, described.shape, bytes},
        .data = {file.source, entries[0]->offset},
        .scales = {file.source, entries[1]->offset},
        .tensor_scale = {file.source, entries[2]->offset},
    };
}

Result<StoredRegion> region_of(const Fp4File& file, const SafetensorsEntry& entry) {
    StoredRegion region{entry.name, file.source, entry.offset, entry.bytes, std::nullopt, false};
    if (entry.name.starts_with(profile::padding_prefix)) {
        region.padding = true;
        return region;
    }
    if (entry.offset % profile::alignment != 0) {
        return error(Status::format, file.name(), ": stored tensor '", printable(entry.name), "' at ",
                     entry.offset, " is not aligned to ", profile::alignment, " bytes");
    }
    FP4_ASSIGN(std::string_view digits, metadata(file, concat(profile::hash_prefix, entry.name)));
    uint64_t hash = 0;
    if (!parse_hash(digits, hash)) {
        return error(Status::format, file.name(), ": the hash of '", printable(entry.name),
                     "' is not 16 hexadecimal digits");
    }
    region.hash = hash;
    return region;
}

Result<void> add_document(const Fp4File& file, const SafetensorsEntry& entry,
                          StoredCheckpoint::Documents& documents) {
    std::string document = entry.name.substr(profile::document_prefix.size());
    auto allowed = profile::check_document_name(document);
    if (!allowed) return error(Status::format, file.name(), ": ", allowed.error().message);
    if (entry.dtype != DType::u8 || entry.shape.size() != 1) {
        return error(Status::format, file.name(), ": stored tensor '", printable(entry.name),
                     "' is not a U8 vector");
    }
    if (documents.size() >= limits::max_documents) {
        return error(Status::limit, file.name(), ": more than ", limits::max_documents, " documents");
    }
    documents.emplace(document,
                      [source = file.source, offset = entry.offset, bytes = entry.bytes,
                       what = concat(file.name(), ": document '", document, "'")]() -> Result<std::string> {
                          if (bytes > limits::max_document_bytes)
                              return error(Status::limit, what, " of ", bytes, " bytes packed");
                          std::vector<uint8_t> packed(bytes);
                          FP4_TRY(source->read_at(offset, packed));
                          return unpack_document(packed, what);
                      });
    return {};
}

// What is neither part of a block tensor nor padding nor a document is a plain tensor.
Result<void> add_entry(const Fp4File& file, const SafetensorsEntry& entry,
                       StoredCheckpoint::Contents& contents) {
    FP4_ASSIGN(StoredRegion region, region_of(file, entry));
    contents.regions.push_back(std::move(region));
    if (entry.name.starts_with(profile::document_prefix))
        return add_document(file, entry, contents.documents);
    if (entry.name.starts_with(profile::padding_prefix) || file.parts.contains(entry.name)) return {};
    if (!profile::plain_name_allowed(entry.name, entry.dtype)) {
        return error(Status::format, file.name(), ": stored tensor '", printable(entry.name),
                     "' has a reserved name that version ", profile::version_value,
                     " of the profile does not define");
    }
    TensorEncoding plain{.kind = TensorEncoding::Kind::plain, .dtype = entry.dtype};
    contents.tensors.push_back(
        {.info = {entry.name, plain, entry.shape, entry.bytes}, .data = {file.source, entry.offset}});
    return {};
}

// A .fp4 made from a GGUF file carries its key-value section.
Result<std::shared_ptr<const GgufMetadata>> read_gguf_document(const Fp4File& file,
                                                               const StoredCheckpoint::Documents& documents) {
    auto found = documents.find(gguf_document_name);
    if (found == documents.end()) return std::shared_ptr<const GgufMetadata>();
    FP4_ASSIGN(std::string text, found->second());
    std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    auto source = borrowed_source(concat(file.name(), ": document '", gguf_document_name, "'"), bytes);
    FP4_ASSIGN(GgufHeader header, parse_gguf(*source));
    return std::shared_ptr<const GgufMetadata>(std::make_shared<GgufMetadata>(std::move(header.metadata)));
}

} // namespace

// One sign is enough: a damaged .fp4 file must not pass for plain safetensors.
bool is_fp4(const SafetensorsHeader& header) {
    auto format = header.metadata.find(profile::format_key);
    if (format != header.metadata.end() && format->second == profile::format_value) return true;
    auto ours = header.metadata.lower_bound(profile::own_key_prefix);
    return ours != header.metadata.end() && ours->first.starts_with(profile::own_key_prefix);
}

Result<std::shared_ptr<Checkpoint>> open_fp4(std::shared_ptr<ByteSource> source,
                                             const SafetensorsHeader& header) {
    Fp4File file{std::move(source), header, {}, {}};
    FP4_TRY(check_header(file));
    for (const SafetensorsEntry& entry : header.entries) file.entries.emplace(entry.name, &entry);

    StoredCheckpoint::Contents contents;
    contents.name = file.name();
    contents.kind = "fp4";
    FP4_ASSIGN(std::vector<TableEntry> table, read_table(file));
    for (const TableEntry& described : table) {
        if (file.entries.contains(described.name)) {
            return error(Status::format, file.name(), ": tensor '", printable(described.name),
                         "' is both a block tensor and a stored tensor");
        }
        FP4_ASSIGN(StoredTensor tensor, block_tensor(file, described));
        contents.tensors.push_back(std::move(tensor));
    }
    for (const SafetensorsEntry& entry : header.entries) FP4_TRY(add_entry(file, entry, contents));
    std::sort(contents.tensors.begin(), contents.tensors.end(),
              [](const auto& a, const auto& b) { return a.data.offset < b.data.offset; });

    FP4_ASSIGN(contents.gguf, read_gguf_document(file, contents.documents));
    FP4_ASSIGN(std::string_view manifest, metadata(file, profile::manifest_key));
    contents.documents.emplace(profile::manifest_document,
                               [text = std::string(manifest)]() -> Result<std::string> { return text; });
    return std::shared_ptr<Checkpoint>(std::make_shared<StoredCheckpoint>(std::move(contents)));
}

} // namespace fp4
