#include "libfp4/io/safetensors_header.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "libfp4/base/checked.h"
#include "libfp4/io/file_limits.h"
#include "libfp4/io/json_document.h"
#include "libfp4/io/tensor_shape.h"

namespace fp4 {
namespace {

static_assert(std::endian::native == std::endian::little, "the file formats are little-endian");

constexpr uint64_t length_bytes = 8;

std::optional<DType> parse_dtype(std::string_view name) {
    constexpr std::array all = {DType::f32,     DType::f64,     DType::f16,     DType::bf16,
                                DType::f8_e4m3, DType::f8_e5m2, DType::f8_e8m0, DType::u8,
                                DType::i8,      DType::u16,     DType::i16,     DType::u32,
                                DType::i32,     DType::u64,     DType::i64,     DType::boolean};
    for (DType dtype : all) {
        if (name == dtype_name(dtype)) return dtype;
    }
    return std::nullopt;
}

// A list of unsigned numbers, as `shape` and `data_offsets` are.
Result<std::vector<uint64_t>> unsigned_list(const JsonValue& object, const char* field,
                                            const std::string& where) {
    const JsonValue* found = object.find(field);
    if (!found) return error(Status::format, where, " has no '", field, "'");
    if (!found->array()) return error(Status::format, where, ": '", field, "' is not an array");
    std::vector<uint64_t> list;
    for (const JsonValue& item : *found->array()) {
        auto number = item.unsigned_integer();
        if (!number) {
            return error(Status::format, where, ": '", field,
                         "' holds something that is no unsigned integer");
        }
        list.push_back(*number);
    }
    return list;
}

// offset is still relative to the data section here.
Result<SafetensorsEntry> parse_entry(const std::string& name, const JsonValue& object, uint64_t data_bytes,
                                     const std::string& file) {
    std::string where = concat(file, ": tensor '", printable(name), "'");
    if (name.empty() || name.size() > limits::max_tensor_name) {
        return error(Status::limit, where, ": name of ", name.size(), " bytes, 1 to ",
                     limits::max_tensor_name, " are allowed");
    }
    if (!object.object()) return error(Status::format, where, " is not described by an object");

    SafetensorsEntry entry;
    entry.name = name;
    const JsonValue* dtype = object.find("dtype");
    if (!dtype || !dtype->string()) return error(Status::format, where, " has no 'dtype' string");
    auto known = parse_dtype(*dtype->string());
    if (!known) {
        return error(Status::unsupported, where, " has the unsupported dtype '", printable(*dtype->string()),
                     "'");
    }
    entry.dtype = *known;

    FP4_ASSIGN(entry.shape, unsigned_list(object, "shape", where));
    FP4_ASSIGN(uint64_t elements, checked_elements(entry.shape, where));
    auto bytes = checked_mul(elements, dtype_size(entry.dtype));
    if (!bytes) return error(Status::limit, where, " is too large");

    FP4_ASSIGN(std::vector<uint64_t> range, unsigned_list(object, "data_offsets", where));
    if (range.size() != 2 || range[0] > range[1]) {
        return error(Status::format, where, ": 'data_offsets' is not [begin, end]");
    }
    if (range[1] > data_bytes) {
        return error(Status::format, where, ": data ends at ", range[1], ", but the file holds only ",
                     data_bytes, " bytes of data; it may be truncated");
    }
    if (range[1] - range[0] != *bytes) {
        return error(Status::format, where, ": shape ", shape_text(entry.shape), " of ",
                     dtype_name(entry.dtype), " needs ", *bytes, " bytes, 'data_offsets' gives ",
                     range[1] - range[0]);
    }
    if (object.object()->size() != 3)
        return error(Status::format, where, " has fields besides dtype, shape and data_offsets");
    entry.offset = range[0];
    entry.bytes = *bytes;
    return entry;
}

Result<void> parse_metadata(const JsonValue& object, SafetensorsHeader& header, const std::string& file) {
    if (!object.object()) return error(Status::format, file, ": '__metadata__' is not an object");
    for (const auto& [key, value] : *object.object()) {
        if (!value.string()) {
            return error(Status::format, file, ": '__metadata__' entry '", printable(key),
                         "' is not a string");
        }
        header.metadata.emplace(key, *value.string());
    }
    return {};
}

// Data must be used exactly once, as the format demands: no overlap, no hole, nothing left at the end.
Result<void> check_coverage(std::vector<SafetensorsEntry>& entries, uint64_t data_bytes,
                            const std::string& file) {
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a.offset < b.offset; });
    uint64_t end = 0;
    for (const SafetensorsEntry& entry : entries) {
        if (entry.offset != end) {
            return error(Status::format, file, ": tensor '", printable(entry.name), "' begins at ",
                         entry.offset,
                         entry.offset < end ? ", inside the tensor before it, which ends at "
                                            : ", which leaves a hole after the data that ends at ",
                         end);
        }
        end += entry.bytes;
    }
    if (end != data_bytes) {
        return error(Status::format, file, ": ", data_bytes - end, " bytes follow the last tensor");
    }
    return {};
}

} // namespace

Result<SafetensorsHeader> parse_safetensors_header(std::string text, uint64_t data_bytes,
                                                   const std::string& file) {
    if (text.empty() || text.front() != '{') {
        return error(Status::format, file, ": the safetensors header does not begin with '{'");
    }
    FP4_ASSIGN(JsonValue root, parse_json(text, concat(file, ": header"),
                                          {.max_depth = 4, .max_values = limits::max_header_json_values}));
    const JsonValue::Object& members = *root.object(); // the text begins with '{'
    if (members.size() > limits::max_tensors + 1) {
        return error(Status::limit, file, ": ", members.size(), " tensors, the limit is ",
                     limits::max_tensors);
    }
    SafetensorsHeader header;
    header.entries.reserve(members.size());
    for (const auto& [name, object] : members) {
        if (name == "__metadata__") {
            FP4_TRY(parse_metadata(object, header, file));
        } else {
            FP4_ASSIGN(SafetensorsEntry entry, parse_entry(name, object, data_bytes, file));
            header.entries.push_back(std::move(entry));
        }
    }
    FP4_TRY(check_coverage(header.entries, data_bytes, file));
    uint64_t data_start = length_bytes + text.size();
    for (SafetensorsEntry& entry : header.entries) entry.offset += data_start;
    header.text = std::move(text);
    return header;
}

Result<SafetensorsHeader> read_safetensors_header(const ByteSource& source) {
    const std::string& file = source.name();
    uint64_t length = 0;
    if (source.size() < length_bytes) {
        return error(Status::format, file, ": ", source.size(), " bytes are too few for a safetensors file");
    }
    uint8_t raw[length_bytes];
    FP4_TRY(source.read_at(0, raw));
    std::memcpy(&length, raw, length_bytes);
    if (length > source.size() - length_bytes) {
        return error(Status::format, file, ": header length ", length, " is beyond the end of the file (",
                     source.size(), " bytes); it is not a safetensors file or it is truncated");
    }
    if (length > limits::max_safetensors_header) {
        return error(Status::limit, file, ": header of ", length, " bytes, the limit is ",
                     limits::max_safetensors_header);
    }
    std::string text(length, '\0');
    FP4_TRY(source.read_at(length_bytes, {reinterpret_cast<uint8_t*>(text.data()), text.size()}));
    return parse_safetensors_header(std::move(text), source.size() - length_bytes - length, file);
}

} // namespace fp4
