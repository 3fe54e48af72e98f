#include "libfp4/format/dtype.h"

#include <array>
#include <cstring>

#include "libfp4/format/element.h"

namespace fp4 {
namespace {

// In the order of the enumeration.
constexpr std::array<const char*, dtype_count> names = {"F32",     "F64", "F16", "BF16", "F8_E4M3", "F8_E5M2",
                                                        "F8_E8M0", "U8",  "I8",  "U16",  "I16",     "U32",
                                                        "I32",     "U64", "I64", "BOOL"};

// Tensors in files need not be aligned, so every element is read by memcpy.
template <class Stored, class Decode>
bool convert(const void* source, size_t count, float* target, Decode decode) {
    const auto* bytes = static_cast<const unsigned char*>(source);
    for (size_t i = 0; i < count; ++i) {
        Stored stored;
        std::memcpy(&stored, bytes + i * sizeof stored, sizeof stored);
        target[i] = decode(stored);
    }
    return true;
}

template <class Stored>
bool convert_number(const void* source, size_t count, float* target) {
    return convert<Stored>(source, count, target, [](Stored value) { return static_cast<float>(value); });
}

} // namespace

const char* dtype_name(DType dtype) {
    return names[static_cast<size_t>(dtype)];
}

std::optional<DType> parse_dtype(std::string_view name) {
    for (size_t i = 0; i < names.size(); ++i)
        if (name == names[i]) return static_cast<DType>(i);
    return std::nullopt;
}

bool convert_to_f32(DType dtype, const void* source, size_t count, float* target) {
    switch (dtype) {
        case DType::f32:
            return convert_number<float>(source, count, target);
        case DType::f64:
            return convert_number<double>(source, count, target);
        case DType::f16:
            return convert<uint16_t>(source, count, target, decode_f16);
        case DType::bf16:
            return convert<uint16_t>(source, count, target, decode_bf16);
        case DType::f8_e4m3:
            return convert<uint8_t>(source, count, target, decode_e4m3);
        case DType::f8_e5m2:
            return convert<uint8_t>(source, count, target, decode_e5m2);
        case DType::f8_e8m0:
            return convert<uint8_t>(source, count, target, decode_e8m0);
        case DType::u8:
            return convert_number<uint8_t>(source, count, target);
        case DType::i8:
            return convert_number<int8_t>(source, count, target);
        case DType::u16:
            return convert_number<uint16_t>(source, count, target);
        case DType::i16:
            return convert_number<int16_t>(source, count, target);
        case DType::u32:
            return convert_number<uint32_t>(source, count, target);
        case DType::i32:
            return convert_number<int32_t>(source, count, target);
        case DType::u64:
            return convert_number<uint64_t>(source, count, target);
        case DType::i64:
            return convert_number<int64_t>(source, count, target);
        case DType::boolean:
            break;
    }
    return false;
}

} // namespace fp4
