#include "libfp4/io/gguf_parser.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <unordered_set>

#include "libfp4/base/checked.h"
#include "libfp4/io/file_limits.h"
#include "libfp4/io/ggml_blocks.h"
#include "libfp4/io/gguf_cursor.h"
#include "libfp4/io/gguf_value.h"
#include "libfp4/io/tensor_shape.h"

namespace fp4 {
namespace {

using Kind = TensorEncoding::Kind;

constexpr uint32_t supported_version = 3;
constexpr uint64_t default_alignment = 32;
constexpr uint64_t least_key_bytes = 8 + 4 + 1;            // key length, value type, one byte
constexpr uint64_t least_tensor_bytes = 8 + 4 + 8 + 4 + 8; // name length, dimensions, type, offset

TensorEncoding plain(DType dtype) {
    return {.kind = Kind::plain, .dtype = dtype};
}
TensorEncoding ggml(GgmlType type) {
    return {.kind = Kind::ggml, .ggml = type};
}
TensorEncoding block(BlockFormat format) {
    return {.kind = Kind::block, .block = format};
}

// Numbers of ggml's enum ggml_type.
std::optional<TensorEncoding> encoding_of(uint32_t type) {
    switch (type) {
        case 0:
            return plain(DType::f32);
        case 1:
            return plain(DType::f16);
        case 2:
            return ggml(GgmlType::q4_0);
        case 3:
            return ggml(GgmlType::q4_1);
        case 6:
            return ggml(GgmlType::q5_0);
        case 7:
            return ggml(GgmlType::q5_1);
        case 8:
            return ggml(GgmlType::q8_0);
        case 12:
            return ggml(GgmlType::q4_k);
        case 13:
            return ggml(GgmlType::q5_k);
        case 14:
            return ggml(GgmlType::q6_k);
        case 24:
            return plain(DType::i8);
        case 25:
            return plain(DType::i16);
        case 26:
            return plain(DType::i32);
        case 27:
            return plain(DType::i64);
        case 28:
            return plain(DType::f64);
        case 30:
            return plain(DType::bf16);
        case 39:
            return block(BlockFormat::mxfp4);
        case 40:
            return block(BlockFormat::nvfp4);
        default:
            return std::nullopt;
    }
}

// Types that exist but are not read, for the message.
std::string type_text(uint32_t type) {
    struct Named {
        uint32_t number;
        const char* name;
    };
    constexpr Named known[] = {
        {9, "Q8_1"},     {10, "Q2_K"},  {11, "Q3_K"},   {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"},
        {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"},   {23, "IQ4_XS"},
        {29, "IQ1_M"},   {34, "TQ1_0"}, {35, "TQ2_0"},  {41, "Q1_0"},  {42, "Q2_0"}};
    for (const Named& entry : known) {
        if (entry.number == type) return entry.name;
    }
    return concat("number ", type);
}

Result<void> read_keys(GgufCursor& cursor, uint64_t count, GgufHeader& header) {
    for (uint64_t i = 0; i < count; i++) {
        GgufKeyRange range;
        range.offset = cursor.position();
        FP4_ASSIGN(range.key, cursor.string(limits::max_gguf_key, concat("key ", i)));
        std::string what = concat("key '", printable(range.key), "'");
        if (header.metadata.contains(range.key)) {
            return error(Status::format, cursor.file(), ": ", what, " appears twice");
        }
        FP4_ASSIGN(std::optional<GgufValue> value, read_gguf_value(cursor, what));
        // An array of arrays is kept as an empty list of strings, so that the key is still known to be taken.
        header.metadata.set(range.key, value ? std::move(*value) : GgufValue(std::vector<std::string>()));
        range.bytes = cursor.position() - range.offset;
        header.keys.push_back(std::move(range));
    }
    return {};
}

Result<uint64_t> read_alignment(const GgufMetadata& metadata, const std::string& file) {
    constexpr std::string_view key = "general.alignment";
    if (!metadata.contains(key)) return default_alignment;
    auto alignment = metadata.unsigned_integer(key);
    if (!alignment) return error(Status::format, file, ": key '", key, "' is not an unsigned integer");
    if (!std::has_single_bit(*alignment) || *alignment < limits::min_gguf_alignment ||
        *alignment > limits::max_gguf_alignment) {
        return error(Status::format, file, ": key '", key, "' is ", *alignment,
                     ", allowed are powers of two from ", limits::min_gguf_alignment, " to ",
                     limits::max_gguf_alignment);
    }
    return *alignment;
}

// The offset is relative to the data section here.
Result<GgufTensor> read_tensor(GgufCursor& cursor, uint64_t index) {
    GgufTensor tensor;
    FP4_ASSIGN(tensor.name, cursor.string(limits::max_gguf_tensor_name, concat("name of tensor ", index)));
    std::string what = concat("tensor '", printable(tensor.name), "'");
    std::string where = concat(cursor.file(), ": ", what);
    if (tensor.name.empty()) return error(Status::format, where, " (number ", index, ") has no name");

    FP4_ASSIGN(uint32_t dims, cursor.read<uint32_t>(what));
    if (dims == 0 || dims > limits::max_gguf_dims) {
        return error(Status::format, where, " has ", dims, " dimensions, 1 to ", limits::max_gguf_dims,
                     " are allowed");
    }
    tensor.shape.resize(dims);
    for (uint64_t& dim : tensor.shape) {
        FP4_ASSIGN(dim, cursor.read<uint64_t>(what));
    }
    std::reverse(tensor.shape.begin(), tensor.shape.end());

    FP4_ASSIGN(uint32_t type, cursor.read<uint32_t>(what));
    auto encoding = encoding_of(type);
    if (!encoding) {
        return error(Status::unsupported, where, " has the unsupported ggml type ", type_text(type),
                     "; use a file with F16, BF16, Q8_0, Q6_K, Q5_K or Q4_K weights");
    }
    tensor.encoding = *encoding;
    FP4_ASSIGN(tensor.bytes, ggml_tensor_bytes(tensor.encoding, tensor.shape, where));
    FP4_ASSIGN(tensor.offset, cursor.read<uint64_t>(what));
    return tensor;
}

// Moves offsets to the file's start and checks that every tensor lies inside the file, aligned and apart from
// others.
Result<void> place_tensors(GgufHeader& header, uint64_t table_end, const ByteSource& source) {
    if (header.tensors.empty()) return {};
    auto data_start = checked_align_up(table_end, header.alignment);
    if (!data_start || *data_start > source.size()) {
        return error(Status::format, source.name(), ": the file ends before its tensor data, at ",
                     source.size());
    }
    uint64_t data_bytes = source.size() - *data_start;
    std::vector<const GgufTensor*> by_offset;
    for (const GgufTensor& tensor : header.tensors) {
        std::string where = concat(source.name(), ": tensor '", printable(tensor.name), "'");
        if (tensor.offset % header.alignment != 0) {
            return error(Status::format, where, ": offset ", tensor.offset,
                         " is no multiple of the alignment ", header.alignment);
        }
        if (tensor.offset > data_bytes || tensor.bytes > data_bytes - tensor.offset) {
            return error(Status::format, where, " needs ", tensor.bytes, " bytes at data offset ",
                         tensor.offset, ", but the file holds only ", data_bytes,
                         " bytes of data; it may be truncated");
        }
        by_offset.push_back(&tensor);
    }
    std::sort(by_offset.begin(), by_offset.end(), [](auto* a, auto* b) { return a->offset < b->offset; });
    for (size_t i = 1; i < by_offset.size(); i++) {
        if (by_offset[i]->offset - by_offset[i - 1]->offset < by_offset[i - 1]->bytes) {
            return error(Status::format, source.name(), ": tensors '", printable(by_offset[i - 1]->name),
                         "' and '", printable(by_offset[i]->name), "' overlap");
        }
    }
    for (GgufTensor& tensor : header.tensors) tensor.offset += *data_start;
    return {};
}

Result<void> check_names(const GgufHeader& header, const std::string& file) {
    std::unordered_set<std::string_view> names;
    for (const GgufTensor& tensor : header.tensors) {
        if (!names.insert(tensor.name).second) {
            return error(Status::format, file, ": tensor '", printable(tensor.name), "' appears twice");
        }
    }
    return {};
}

} // namespace

Result<uint64_t> ggml_tensor_bytes(const TensorEncoding& encoding, const std::vector<uint64_t>& shape,
                                   const std::string& where) {
    FP4_ASSIGN(uint64_t elements, checked_elements(shape, where));
    GgmlLayout layout{1, static_cast<uint32_t>(dtype_size(encoding.dtype))};
    if (encoding.kind == Kind::ggml) layout = ggml_layout(encoding.ggml);
    if (encoding.kind == Kind::block) layout = ggml_layout(encoding.block);
    if (shape.back() % layout.elements != 0) {
        return error(Status::format, where, " of type ", encoding_name(encoding), " has rows of ",
                     shape.back(), " elements, which is no multiple of the block of ", layout.elements);
    }
    return elements / layout.elements * layout.bytes; // no overflow: limits::max_elements
}

Result<GgufHeader> parse_gguf(const ByteSource& source) {
    const std::string& file = source.name();
    GgufCursor cursor(source);
    FP4_ASSIGN(auto magic, (cursor.read<std::array<char, 4>>("the magic number")));
    if (std::memcmp(magic.data(), "GGUF", 4) != 0) {
        return error(Status::format, file, ": does not begin with 'GGUF'");
    }
    FP4_ASSIGN(uint32_t version, cursor.read<uint32_t>("the version"));
    if (version != supported_version) {
        return error(Status::unsupported, file, ": GGUF version ", version, ", only version ",
                     supported_version, " (little-endian) is read");
    }
    FP4_ASSIGN(uint64_t tensor_count, cursor.read<uint64_t>("the tensor count"));
    FP4_ASSIGN(uint64_t key_count, cursor.read<uint64_t>("the key count"));
    FP4_TRY(cursor.expect(key_count, least_key_bytes, "the key count"));
    FP4_TRY(cursor.expect(tensor_count, least_tensor_bytes, "the tensor count"));
    if (key_count > limits::max_gguf_keys || tensor_count > limits::max_tensors) {
        return error(Status::limit, file, ": ", key_count, " keys and ", tensor_count,
                     " tensors, the limits are ", limits::max_gguf_keys, " and ", limits::max_tensors);
    }

    GgufHeader header;
    FP4_TRY(read_keys(cursor, key_count, header));
    FP4_ASSIGN(header.alignment, read_alignment(header.metadata, file));
    header.tensors.reserve(tensor_count);
    for (uint64_t i = 0; i < tensor_count; i++) {
        FP4_ASSIGN(GgufTensor tensor, read_tensor(cursor, i));
        header.tensors.push_back(std::move(tensor));
    }
    FP4_TRY(check_names(header, file));
    FP4_TRY(place_tensors(header, cursor.position(), source));
    return header;
}

} // namespace fp4
