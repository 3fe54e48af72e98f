// Integer and logic instructions, comparisons and selections of all types.
#include <cmath>
#include <type_traits>

#include "tests/gpu_simulator/step_table.h"

namespace fp4::gpu_simulator {
namespace {

template <class T>
const char* type_name() {
    constexpr bool sign = std::is_signed_v<T>;
    if constexpr (sizeof(T) == 2)
        return sign ? "s16" : "u16";
    else if constexpr (sizeof(T) == 4)
        return sign ? "s32" : "u32";
    else
        return sign ? "s64" : "u64";
}

template <class T>
using Double = std::conditional_t<
    sizeof(T) == 2, std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>,
    std::conditional_t<sizeof(T) == 4, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>,
                       std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>>>;

template <class T>
void add_arithmetic(StepTable& table) {
    using U = std::make_unsigned_t<T>;
    const std::string t = std::string(".") + type_name<T>();
    table["add" + t] = lane_step<[](T a, T b) { return T(U(a) + U(b)); }, T, T, T>();
    table["sub" + t] = lane_step<[](T a, T b) { return T(U(a) - U(b)); }, T, T, T>();
    constexpr auto low = [](T a, T b) { return T(Double<T>(a) * Double<T>(b)); };
    table["mul.lo" + t] = lane_step<low, T, T, T>();
    table["mul.hi" + t] =
        lane_step<[](T a, T b) { return T((Double<T>(a) * Double<T>(b)) >> 8 * sizeof(T)); }, T, T, T>();
    table["mad.lo" + t] =
        lane_step<[](T a, T b, T c) { return T(U(Double<T>(a) * Double<T>(b)) + U(c)); }, T, T, T, T>();
    // By 0: all bits, as the hardware's sequence gives.
    table["div" + t] = lane_step<[](T a, T b) {
        return b == 0 ? T(-1) : b == T(-1) && std::is_signed_v<T> ? T(U(0) - U(a)) : T(a / b);
    },
                                 T, T, T>();
    table["rem" + t] =
        lane_step<[](T a, T b) { return b == 0 || (b == T(-1) && std::is_signed_v<T>) ? T(0) : T(a % b); }, T,
                  T, T>();
    table["min" + t] = lane_step<[](T a, T b) { return b < a ? b : a; }, T, T, T>();
    table["max" + t] = lane_step<[](T a, T b) { return a < b ? b : a; }, T, T, T>();
    table["neg" + t] = lane_step<[](T a) { return T(U(0) - U(a)); }, T, T>();
    table["abs" + t] = lane_step<[](T a) { return a < T(0) ? T(U(0) - U(a)) : a; }, T, T>();
    if constexpr (sizeof(T) < 8) {
        table["mul.wide" + t] =
            lane_step<[](T a, T b) { return Double<T>(a) * Double<T>(b); }, Double<T>, T, T>();
        table["mad.wide" + t] =
            lane_step<[](T a, T b, Double<T> c) { return Double<T>(a) * Double<T>(b) + c; }, Double<T>, T, T,
                      Double<T>>();
    }
    constexpr uint32_t bits = 8 * sizeof(T);
    table["shr" + t] =
        lane_step<[](T a, uint32_t n) { return n >= bits ? (a < T(0) ? T(-1) : T(0)) : T(a >> n); }, T, T,
                  uint32_t>();
}

template <class T>
void add_logic(StepTable& table) {
    const std::string t = ".b" + std::to_string(8 * sizeof(T));
    constexpr uint32_t bits = 8 * sizeof(T);
    table["and" + t] = lane_step<[](T a, T b) { return T(a & b); }, T, T, T>();
    table["or" + t] = lane_step<[](T a, T b) { return T(a | b); }, T, T, T>();
    table["xor" + t] = lane_step<[](T a, T b) { return T(a ^ b); }, T, T, T>();
    table["not" + t] = lane_step<[](T a) { return T(~a); }, T, T>();
    table["shl" + t] =
        lane_step<[](T a, uint32_t n) { return n >= bits ? T(0) : T(a << n); }, T, T, uint32_t>();
    table["shr" + t] =
        lane_step<[](T a, uint32_t n) { return n >= bits ? T(0) : T(a >> n); }, T, T, uint32_t>();
    table["clz" + t] = lane_step<[](T a) { return uint32_t(std::countl_zero(a)); }, uint32_t, T>();
    table["popc" + t] = lane_step<[](T a) { return uint32_t(std::popcount(a)); }, uint32_t, T>();
    table["bfi" + t] = lane_step<[](T a, T b, uint32_t position, uint32_t length) {
        position &= 0xFF, length &= 0xFF;
        if (position >= bits || length == 0) return b;
        const T ones = length >= bits ? T(~T(0)) : T((T(1) << length) - 1);
        return T((b & ~T(ones << position)) | T((a & ones) << position));
    },
                                 T, T, T, uint32_t, uint32_t>();
    table["bfe.u" + std::to_string(bits)] = lane_step<[](T a, uint32_t position, uint32_t length) {
        position &= 0xFF, length &= 0xFF;
        if (position >= bits || length == 0) return T(0);
        const T ones = length >= bits ? T(~T(0)) : T((T(1) << length) - 1);
        return T(a >> position & ones);
    },
                                                      T, T, uint32_t, uint32_t>();
}

template <class T>
void add_selection(StepTable& table, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        const std::string t = name;
        table["mov." + t] = lane_step<[](T a) { return a; }, T, T>();
        table["selp." + t] = lane_step<[](T a, T b, bool first) { return first ? a : b; }, T, T, T, bool>();
    }
}

template <class T>
void add_comparison(StepTable& table, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        const std::string t = name;
        table["setp.eq." + t] = lane_step<[](T a, T b) { return a == b; }, bool, T, T>();
        table["setp.ne." + t] = lane_step<[](T a, T b) { return a < b || b < a; }, bool, T, T>();
        table["setp.lt." + t] = lane_step<[](T a, T b) { return a < b; }, bool, T, T>();
        table["setp.le." + t] = lane_step<[](T a, T b) { return a <= b; }, bool, T, T>();
        table["setp.gt." + t] = lane_step<[](T a, T b) { return b < a; }, bool, T, T>();
        table["setp.ge." + t] = lane_step<[](T a, T b) { return b <= a; }, bool, T, T>();
        if constexpr (std::is_floating_point_v<T>) { // or one is no number
            table["setp.equ." + t] = lane_step<[](T a, T b) { return !(a < b || b < a); }, bool, T, T>();
            table["setp.neu." + t] = lane_step<[](T a, T b) { return !(a == b); }, bool, T, T>();
            table["setp.ltu." + t] = lane_step<[](T a, T b) { return !(b <= a); }, bool, T, T>();
            table["setp.leu." + t] = lane_step<[](T a, T b) { return !(b < a); }, bool, T, T>();
            table["setp.gtu." + t] = lane_step<[](T a, T b) { return !(a <= b); }, bool, T, T>();
            table["setp.geu." + t] = lane_step<[](T a, T b) { return !(a < b); }, bool, T, T>();
            table["setp.nan." + t] =
                lane_step<[](T a, T b) { return std::isnan(a) || std::isnan(b); }, bool, T, T>();
            table["setp.num." + t] =
                lane_step<[](T a, T b) { return !std::isnan(a) && !std::isnan(b); }, bool, T, T>();
        }
    }
}

uint32_t permute_bytes(uint32_t a, uint32_t b, uint32_t selector) {
    const uint64_t bytes = a | uint64_t(b) << 32;
    uint32_t result = 0;
    for (int i = 0; i < 4; ++i) {
        const uint32_t choice = selector >> 4 * i & 15;
        uint32_t byte = bytes >> 8 * (choice & 7) & 0xFF;
        if (choice & 8) byte = byte & 0x80 ? 0xFF : 0;
        result |= byte << 8 * i;
    }
    return result;
}

} // namespace

void add_integer_steps(StepTable& table) {
    add_logic<uint16_t>(table);
    add_logic<uint32_t>(table);
    add_logic<uint64_t>(table);
    add_arithmetic<uint16_t>(table);
    add_arithmetic<int16_t>(table);
    add_arithmetic<uint32_t>(table);
    add_arithmetic<int32_t>(table);
    add_arithmetic<uint64_t>(table);
    add_arithmetic<int64_t>(table);
    add_selection<bool>(table, {"pred"});
    add_selection<uint16_t>(table, {"b16", "u16", "s16"});
    add_selection<uint32_t>(table, {"b32", "u32", "s32", "f32"});
    add_selection<uint64_t>(table, {"b64", "u64", "s64", "f64"});
    add_comparison<uint16_t>(table, {"b16", "u16"});
    add_comparison<uint32_t>(table, {"b32", "u32"});
    add_comparison<uint64_t>(table, {"b64", "u64"});
    add_comparison<int16_t>(table, {"s16"});
    add_comparison<int32_t>(table, {"s32"});
    add_comparison<int64_t>(table, {"s64"});
    add_comparison<float>(table, {"f32"});
    add_comparison<double>(table, {"f64"});
    table["and.pred"] = lane_step<[](bool a, bool b) { return a && b; }, bool, bool, bool>();
    table["or.pred"] = lane_step<[](bool a, bool b) { return a || b; }, bool, bool, bool>();
    table["xor.pred"] = lane_step<[](bool a, bool b) { return a != b; }, bool, bool, bool>();
    table["not.pred"] = lane_step<[](bool a) { return !a; }, bool, bool>();
    table["prmt.b32"] = lane_step<permute_bytes, uint32_t, uint32_t, uint32_t, uint32_t>();
    table["shf.l.wrap.b32"] = lane_step<[](uint32_t a, uint32_t b, uint32_t n) {
        return uint32_t((a | uint64_t(b) << 32) << (n & 31) >> 32);
    },
                                        uint32_t, uint32_t, uint32_t, uint32_t>();
    table["shf.r.wrap.b32"] = lane_step<[](uint32_t a, uint32_t b, uint32_t n) {
        return uint32_t((a | uint64_t(b) << 32) >> (n & 31));
    },
                                        uint32_t, uint32_t, uint32_t, uint32_t>();
}

} // namespace fp4::gpu_simulator
