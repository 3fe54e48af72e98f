// Floating-point arithmetic and conversions. What PTX leaves open within an error bound (ex2.approx) is
// computed exactly here.
#include <algorithm>
#include <cmath>
#include <limits>

#include "libfp4/format/element.h"
#include "tests/gpu_simulator/step_table.h"

namespace fp4::gpu_simulator {
namespace {

template <class T>
void add_arithmetic(StepTable& table, const std::string& type) {
    for (const char* rounding : {".", ".rn."}) {
        const std::string t = rounding + type;
        table["add" + t] = lane_step<[](T a, T b) { return a + b; }, T, T, T>();
        table["sub" + t] = lane_step<[](T a, T b) { return a - b; }, T, T, T>();
        table["mul" + t] = lane_step<[](T a, T b) { return a * b; }, T, T, T>();
        table["div" + t] = lane_step<[](T a, T b) { return a / b; }, T, T, T>();
        table["fma" + t] = lane_step<[](T a, T b, T c) { return std::fma(a, b, c); }, T, T, T, T>();
        table["sqrt" + t] = lane_step<[](T a) { return std::sqrt(a); }, T, T>();
        table["rcp" + t] = lane_step<[](T a) { return T(1) / a; }, T, T>();
    }
    // Of a number and none, the number.
    table["min." + type] = lane_step<[](T a, T b) { return std::fmin(a, b); }, T, T, T>();
    table["max." + type] = lane_step<[](T a, T b) { return std::fmax(a, b); }, T, T, T>();
    table["neg." + type] = lane_step<[](T a) { return -a; }, T, T>();
    table["abs." + type] = lane_step<[](T a) { return std::fabs(a); }, T, T>();
}

// Rounded towards minus infinity. The product is exact in double, so is the sum's rounding error.
float multiply_add_down(float a, float b, float c) {
    const double product = double(a) * b, sum = product + c;
    const double part = sum - product, lost = (product - (sum - part)) + (c - part);
    float rounded = static_cast<float>(sum);
    if (rounded > sum || (rounded == sum && lost < 0))
        rounded = std::nextafter(rounded, -std::numeric_limits<float>::infinity());
    return rounded;
}

// Both halves of a pair. Products of halves are exact in float.
template <auto f>
uint32_t on_halves(uint32_t a, uint32_t b) {
    uint32_t result = 0;
    for (int i = 0; i < 2; ++i)
        result |=
            uint32_t(encode_f16(f(decode_f16(uint16_t(a >> 16 * i)), decode_f16(uint16_t(b >> 16 * i)))))
            << 16 * i;
    return result;
}

template <class D, class S>
D to_integer(S value, S rounded) {
    if (std::isnan(value)) return 0;
    if (rounded <= S(std::numeric_limits<D>::min())) return std::numeric_limits<D>::min();
    if (rounded >= S(std::numeric_limits<D>::max())) return std::numeric_limits<D>::max();
    return static_cast<D>(rounded);
}

template <class D, class S>
void add_to_integer(StepTable& table, const std::string& types) {
    table["cvt.rni." + types] = lane_step<[](S a) { return to_integer<D>(a, std::nearbyint(a)); }, D, S>();
    table["cvt.rzi." + types] = lane_step<[](S a) { return to_integer<D>(a, std::trunc(a)); }, D, S>();
    table["cvt.rmi." + types] = lane_step<[](S a) { return to_integer<D>(a, std::floor(a)); }, D, S>();
    table["cvt.rpi." + types] = lane_step<[](S a) { return to_integer<D>(a, std::ceil(a)); }, D, S>();
}

// Between integers a conversion keeps the low bits, or extends with the source's sign.
template <class D, class S>
void add_integer_conversion(StepTable& table, const std::string& to, const std::string& from) {
    using Lane =
        std::conditional_t<sizeof(D) == 8, D, std::conditional_t<std::is_signed_v<D>, int32_t, uint32_t>>;
    using Source = std::conditional_t<sizeof(S) == 1, uint16_t, S>;
    constexpr auto convert = [](Source a) {
        // Registers hold 16-bit values without the bits above.
        if constexpr (sizeof(D) == 2)
            return Lane(uint16_t(D(S(a))));
        else
            return Lane(D(S(a)));
    };
    table["cvt." + to + "." + from] = lane_step<convert, Lane, Source>();
}

template <class D>
void add_integer_conversions(StepTable& table, const std::string& to) {
    add_integer_conversion<D, uint8_t>(table, to, "u8");
    add_integer_conversion<D, int8_t>(table, to, "s8");
    add_integer_conversion<D, uint16_t>(table, to, "u16");
    add_integer_conversion<D, int16_t>(table, to, "s16");
    add_integer_conversion<D, uint32_t>(table, to, "u32");
    add_integer_conversion<D, int32_t>(table, to, "s32");
    add_integer_conversion<D, uint64_t>(table, to, "u64");
    add_integer_conversion<D, int64_t>(table, to, "s64");
}

template <class S>
void add_from_integer(StepTable& table, const std::string& from) {
    table["cvt.rn.f32." + from] = lane_step<[](S a) { return float(a); }, float, S>();
    table["cvt.rn.f64." + from] = lane_step<[](S a) { return double(a); }, double, S>();
}

} // namespace

void add_float_steps(StepTable& table) {
    add_arithmetic<float>(table, "f32");
    add_arithmetic<double>(table, "f64");
    table["fma.rm.f32"] = lane_step<multiply_add_down, float, float, float, float>();
    constexpr auto power = [](float a) {
        const float result = std::exp2(std::fabs(a) < std::numeric_limits<float>::min() ? 0.0f : a);
        return result < std::numeric_limits<float>::min() ? 0.0f : result;
    };
    table["ex2.approx.ftz.f32"] = lane_step<power, float, float>();
    table["rcp.approx.ftz.f64"] = lane_step<[](double a) { return 1 / a; }, double, double>();
    constexpr auto product = [](float x, float y) { return x * y; };
    for (const char* name : {"mul.f16x2", "mul.rn.f16x2"})
        table[name] = lane_step<on_halves<product>, uint32_t, uint32_t, uint32_t>();
}

void add_conversion_steps(StepTable& table) {
    add_integer_conversions<uint8_t>(table, "u8");
    add_integer_conversions<int8_t>(table, "s8");
    add_integer_conversions<uint16_t>(table, "u16");
    add_integer_conversions<int16_t>(table, "s16");
    add_integer_conversions<uint32_t>(table, "u32");
    add_integer_conversions<int32_t>(table, "s32");
    add_integer_conversions<uint64_t>(table, "u64");
    add_integer_conversions<int64_t>(table, "s64");
    add_from_integer<uint16_t>(table, "u16");
    add_from_integer<int16_t>(table, "s16");
    add_from_integer<uint32_t>(table, "u32");
    add_from_integer<int32_t>(table, "s32");
    add_from_integer<uint64_t>(table, "u64");
    add_from_integer<int64_t>(table, "s64");
    add_to_integer<int32_t, float>(table, "s32.f32");
    add_to_integer<uint32_t, float>(table, "u32.f32");
    add_to_integer<int64_t, float>(table, "s64.f32");
    add_to_integer<uint64_t, float>(table, "u64.f32");
    add_to_integer<int32_t, double>(table, "s32.f64");
    add_to_integer<uint32_t, double>(table, "u32.f64");
    add_to_integer<int64_t, double>(table, "s64.f64");
    add_to_integer<uint64_t, double>(table, "u64.f64");
    table["cvt.f64.f32"] = lane_step<[](float a) { return double(a); }, double, float>();
    table["cvt.rn.f32.f64"] = lane_step<[](double a) { return float(a); }, float, double>();
    constexpr auto saturate = [](float a) { return std::isnan(a) ? 0.0f : std::clamp(a, 0.0f, 1.0f); };
    table["cvt.sat.f32.f32"] = lane_step<saturate, float, float>();
    table["cvt.f32.f16"] = lane_step<[](uint16_t a) { return decode_f16(a); }, float, uint16_t>();
    table["cvt.rn.f16.f32"] = lane_step<[](float a) { return encode_f16(a); }, uint16_t, float>();
    constexpr auto pair = [](float high, float low) {
        return uint32_t(encode_f16(high)) << 16 | encode_f16(low);
    };
    table["cvt.rn.f16x2.f32"] = lane_step<pair, uint32_t, float, float>();
}

} // namespace fp4::gpu_simulator
