// Plain (unblocked) storage types of tensors in files and in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fp4 {

enum class DType : uint8_t {
    f32,
    f64,
    f16,
    bf16,
    f8_e4m3,
    f8_e5m2,
    f8_e8m0,
    u8,
    i8,
    u16,
    i16,
    u32,
    i32,
    u64,
    i64,
    boolean
};
inline constexpr size_t dtype_count = 16;

constexpr size_t dtype_size(DType dtype) {
    switch (dtype) {
        case DType::f64:
        case DType::u64:
        case DType::i64:
            return 8;
        case DType::f32:
        case DType::u32:
        case DType::i32:
            return 4;
        case DType::f16:
        case DType::bf16:
        case DType::u16:
        case DType::i16:
            return 2;
        default:
            return 1;
    }
}

const char* dtype_name(DType dtype); // the safetensors spelling: "F32", "BF16", "F8_E4M3" ...
std::optional<DType> parse_dtype(std::string_view name);

// Row conversion, exact where float32 holds the value, else rounded to nearest; false for boolean. The source
// may lie at any address.
bool convert_to_f32(DType dtype, const void* source, size_t count, float* target);

} // namespace fp4
