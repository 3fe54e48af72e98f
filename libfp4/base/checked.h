// Checked arithmetic for sizes that come from files. nullopt means the true result does not fit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace fp4 {

inline std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
    uint64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
    return sum;
}

inline std::optional<uint64_t> checked_mul(uint64_t a, uint64_t b) {
    uint64_t product;
    if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
    return product;
}

// alignment must be a power of two; anything else gives nullopt.
inline std::optional<uint64_t> checked_align_up(uint64_t value, uint64_t alignment) {
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) return std::nullopt;
    auto bumped = checked_add(value, alignment - 1);
    if (!bumped) return std::nullopt;
    return *bumped & ~(alignment - 1);
}

inline constexpr uint64_t ceil_div(uint64_t a, uint64_t b) {
    return a / b + (a % b != 0);
}

// The next multiple of step; the sum must fit.
inline constexpr uint64_t round_up(uint64_t value, uint64_t step) {
    return (value + step - 1) / step * step;
}

} // namespace fp4
