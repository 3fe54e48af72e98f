#include "libfp4/io/gguf_value.h"

#include <type_traits>

#include "libfp4/io/file_limits.h"

namespace fp4 {
namespace {

// Numbers of the specification's gguf_metadata_value_type.
enum class ValueType : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };
constexpr uint32_t value_types = 13;

// The smallest space an item takes in the file: what a count is held against.
uint64_t least_bytes(ValueType type) {
    switch (type) {
        case ValueType::u8:
        case ValueType::i8:
        case ValueType::boolean:
            return 1;
        case ValueType::u16:
        case ValueType::i16:
            return 2;
        case ValueType::u32:
        case ValueType::i32:
        case ValueType::f32:
            return 4;
        case ValueType::array:
            return 12; // type and count
        default:
            return 8;
    }
}

Result<ValueType> read_type(GgufCursor& cursor, std::string_view what) {
    FP4_ASSIGN(uint32_t number, cursor.read<uint32_t>(what));
    if (number >= value_types) {
        return error(Status::format, cursor.file(), ": ", what, " has the unknown value type ", number);
    }
    return static_cast<ValueType>(number);
}

template <class Stored>
using Kept = std::conditional_t<std::is_floating_point_v<Stored>, double,
                                std::conditional_t<std::is_signed_v<Stored>, int64_t, uint64_t>>;

template <class Stored>
Result<std::optional<GgufValue>> scalar(GgufCursor& cursor, std::string_view what) {
    FP4_ASSIGN(Stored value, cursor.read<Stored>(what));
    return std::optional<GgufValue>(Kept<Stored>{value});
}

template <class Stored>
Result<std::optional<GgufValue>> number_array(GgufCursor& cursor, uint64_t count, std::string_view what) {
    std::vector<Kept<Stored>> list(count);
    for (Kept<Stored>& item : list) {
        FP4_ASSIGN(item, cursor.read<Stored>(what));
    }
    return std::optional<GgufValue>(std::move(list));
}

Result<std::optional<GgufValue>> byte_array(GgufCursor& cursor, uint64_t count, bool boolean,
                                            std::string_view what) {
    std::vector<uint8_t> list(count);
    FP4_TRY(cursor.bytes(list, what));
    for (uint8_t item : list) {
        if (boolean && item > 1) {
            return error(Status::format, cursor.file(), ": ", what, " holds ", item, ", which is no boolean");
        }
    }
    return std::optional<GgufValue>(std::move(list));
}

Result<std::optional<GgufValue>> string_array(GgufCursor& cursor, uint64_t count, std::string_view what) {
    std::vector<std::string> list;
    list.reserve(count);
    for (uint64_t i = 0; i < count; i++) {
        FP4_ASSIGN(std::string item, cursor.string(limits::max_gguf_string, what));
        list.push_back(std::move(item));
    }
    return std::optional<GgufValue>(std::move(list));
}

Result<std::optional<GgufValue>> read_array(GgufCursor& cursor, std::string_view what, uint64_t depth) {
    if (depth > limits::max_gguf_array_depth) {
        return error(Status::limit, cursor.file(), ": ", what, " is nested deeper than ",
                     limits::max_gguf_array_depth, " arrays");
    }
    FP4_ASSIGN(ValueType type, read_type(cursor, what));
    FP4_ASSIGN(uint64_t count, cursor.read<uint64_t>(what));
    FP4_TRY(cursor.expect(count, least_bytes(type), what));
    if (count > limits::max_gguf_array) {
        return error(Status::limit, cursor.file(), ": ", what, " has ", count, " items, the limit is ",
                     limits::max_gguf_array);
    }
    switch (type) {
        case ValueType::u8:
            return byte_array(cursor, count, false, what);
        case ValueType::boolean:
            return byte_array(cursor, count, true, what);
        case ValueType::i8:
            return number_array<int8_t>(cursor, count, what);
        case ValueType::u16:
            return number_array<uint16_t>(cursor, count, what);
        case ValueType::i16:
            return number_array<int16_t>(cursor, count, what);
        case ValueType::u32:
            return number_array<uint32_t>(cursor, count, what);
        case ValueType::i32:
            return number_array<int32_t>(cursor, count, what);
        case ValueType::u64:
            return number_array<uint64_t>(cursor, count, what);
        case ValueType::i64:
            return number_array<int64_t>(cursor, count, what);
        case ValueType::f32:
            return number_array<float>(cursor, count, what);
        case ValueType::f64:
            return number_array<double>(cursor, count, what);
        case ValueType::string:
            return string_array(cursor, count, what);
        case ValueType::array:
            break;
    }
    for (uint64_t i = 0; i < count; i++) FP4_TRY(read_array(cursor, what, depth + 1));
    return std::optional<GgufValue>();
}

} // namespace

Result<std::optional<GgufValue>> read_gguf_value(GgufCursor& cursor, std::string_view what) {
    FP4_ASSIGN(ValueType type, read_type(cursor, what));
    switch (type) {
        case ValueType::u8:
            return scalar<uint8_t>(cursor, what);
        case ValueType::i8:
            return scalar<int8_t>(cursor, what);
        case ValueType::u16:
            return scalar<uint16_t>(cursor, what);
        case ValueType::i16:
            return scalar<int16_t>(cursor, what);
        case ValueType::u32:
            return scalar<uint32_t>(cursor, what);
        case ValueType::i32:
            return scalar<int32_t>(cursor, what);
        case ValueType::u64:
            return scalar<uint64_t>(cursor, what);
        case ValueType::i64:
            return scalar<int64_t>(cursor, what);
        case ValueType::f32:
            return scalar<float>(cursor, what);
        case ValueType::f64:
            return scalar<double>(cursor, what);
        case ValueType::array:
            return read_array(cursor, what, 1);
        case ValueType::boolean: {
            FP4_ASSIGN(uint8_t flag, cursor.read<uint8_t>(what));
            if (flag > 1) {
                return error(Status::format, cursor.file(), ": ", what, " holds ", flag,
                             ", which is no boolean");
            }
            return std::optional<GgufValue>(flag == 1);
        }
        case ValueType::string:
            break;
    }
    FP4_ASSIGN(std::string text, cursor.string(limits::max_gguf_string, what));
    return std::optional<GgufValue>(std::move(text));
}

} // namespace fp4
