// Every code and every rounding boundary of the scalar types. Expected values are built from the formats'
// definitions (exponent bias, mantissa bits) with ldexp in double, not with the library's own decoder.
#include "libfp4/format/element.h"

#include <doctest/doctest.h>

#include <cfloat>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "libfp4/format/small_float.h"

using namespace fp4;

namespace {

const float nan_input = std::numeric_limits<float>::quiet_NaN();
const float inf_input = std::numeric_limits<float>::infinity();

struct Type {
    std::string name;
    int mantissa_bits;
    int bias;
    uint32_t largest;  // code of the largest finite magnitude
    uint32_t sign;     // sign bit
    uint32_t overflow; // code a too large magnitude gets
    uint32_t nan;      // code NaN gets
    std::function<uint32_t(float)> encode;
    std::function<float(uint32_t)> decode;
    SmallFloat format;

    double magnitude(uint32_t code) const {
        const int exponent = static_cast<int>(code >> mantissa_bits);
        const double fraction =
            std::ldexp(static_cast<double>(code & ((1u << mantissa_bits) - 1)), -mantissa_bits);
        return exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias);
    }
};

const std::vector<Type>& types() {
    static const std::vector<Type> all = {
        {"e2m1", 1, 1, 7, 8, 7, 0, encode_e2m1, decode_e2m1, small_float::e2m1},
        {"e2m3", 3, 1, 31, 32, 31, 0, encode_e2m3, decode_e2m3, small_float::e2m3},
        {"e3m2", 2, 3, 31, 32, 31, 0, encode_e3m2, decode_e3m2, small_float::e3m2},
        {"e4m3", 3, 7, 0x7E, 0x80, 0x7E, 0x7F, encode_e4m3, decode_e4m3, small_float::e4m3},
        {"e5m2", 2, 15, 0x7B, 0x80, 0x7B, 0x7E, encode_e5m2, decode_e5m2, small_float::e5m2},
        {"f16", 10, 15, 0x7BFF, 0x8000, 0x7C00, 0x7E00, encode_f16, decode_f16, small_float::f16},
        {"bf16", 7, 127, 0x7F7F, 0x8000, 0x7F80, 0x7FC0, encode_bf16, decode_bf16, small_float::bf16},
    };
    return all;
}

bool same_bits(float a, float b) {
    return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

} // namespace

TEST_CASE("known values of the small types") {
    // OCP MX v1.0 section 5.3 and OFP8 1.0 table 1: largest, smallest normal, smallest subnormal.
    CHECK(decode_e2m1(7) == 6.0f);
    CHECK(decode_e2m1(1) == 0.5f);
    CHECK(decode_e2m3(31) == 7.5f);
    CHECK(decode_e2m3(1) == 0.125f);
    CHECK(decode_e3m2(31) == 28.0f);
    CHECK(decode_e3m2(1) == 0.0625f);
    CHECK(decode_e4m3(0x7E) == 448.0f);
    CHECK(decode_e4m3(1) == 0x1p-9f);
    CHECK(decode_e5m2(0x7B) == 57344.0f);
    CHECK(decode_e5m2(1) == 0x1p-16f);
    CHECK(decode_f16(0x7BFF) == 65504.0f);
    CHECK(decode_bf16(0x7F7F) == std::ldexp(1.9921875f, 127));
}

TEST_CASE("every finite code decodes to its definition and encodes back to itself") {
    for (const Type& type : types()) {
        CAPTURE(type.name);
        for (uint32_t code = 0; code <= type.largest; ++code) {
            CAPTURE(code);
            const float value = static_cast<float>(type.magnitude(code));
            REQUIRE(same_bits(type.decode(code), value));
            REQUIRE(same_bits(type.decode(code | type.sign), -value));
            REQUIRE(type.encode(value) == code);
            REQUIRE(type.encode(-value) == (code | type.sign)); // -0 included
        }
    }
}

TEST_CASE("midpoints go to the even code, their neighbours to the nearer one") {
    for (const Type& type : types()) {
        CAPTURE(type.name);
        for (uint32_t low = 0; low < type.largest; ++low) {
            CAPTURE(low);
            // Exact in float32: one mantissa bit more than the type has.
            const float middle = static_cast<float>((type.magnitude(low) + type.magnitude(low + 1)) / 2);
            const float below = std::nextafterf(middle, 0.0f);
            const float above = std::nextafterf(middle, inf_input);
            for (uint32_t sign : {0u, type.sign}) {
                const float factor = sign != 0 ? -1.0f : 1.0f;
                REQUIRE(type.encode(factor * middle) == (sign | (low + (low & 1))));
                REQUIRE(type.encode(factor * below) == (sign | low));
                REQUIRE(type.encode(factor * above) == (sign | (low + 1)));
            }
        }
    }
}

TEST_CASE("overflow, infinity and NaN") {
    for (const Type& type : types()) {
        CAPTURE(type.name);
        // Half a step above the largest value: where IEEE rounding leaves the range.
        const double step = type.magnitude(type.largest) - type.magnitude(type.largest - 1);
        const double edge = type.magnitude(type.largest) + step / 2;
        if (edge < FLT_MAX) {
            CHECK(type.encode(std::nextafterf(static_cast<float>(edge), 0.0f)) == type.largest);
            CHECK(type.encode(static_cast<float>(edge)) == type.overflow);
            CHECK(type.encode(FLT_MAX) == type.overflow);
            CHECK(type.encode(-FLT_MAX) == (type.overflow | type.sign));
        }
        CHECK(type.encode(inf_input) == type.overflow);
        CHECK(type.encode(-inf_input) == (type.overflow | type.sign));
        CHECK(type.encode(nan_input) == type.nan);
        CHECK(type.encode(-nan_input) == (type.nan == 0 ? 0 : type.nan | type.sign));
        CHECK(type.encode(FLT_TRUE_MIN) == 0);
        CHECK(type.encode(-FLT_TRUE_MIN) == type.sign);
    }
    CHECK(encode_bf16(FLT_MAX) == 0x7F80);
}

TEST_CASE("codes of Inf and NaN decode") {
    for (int sign : {0, 0x80}) {
        CHECK(std::isnan(decode_e4m3(static_cast<uint8_t>(sign | 0x7F))));
        CHECK(std::isinf(decode_e5m2(static_cast<uint8_t>(sign | 0x7C))));
        CHECK(std::signbit(decode_e5m2(static_cast<uint8_t>(sign | 0x7C))) == (sign != 0));
        for (int code = 0x7D; code <= 0x7F; ++code)
            CHECK(std::isnan(decode_e5m2(static_cast<uint8_t>(sign | code))));
    }
    for (uint32_t code = 0x7C00; code < 0x8000; ++code) {
        const float value = decode_f16(static_cast<uint16_t>(code));
        REQUIRE((code == 0x7C00 ? value == inf_input : std::isnan(value)));
        REQUIRE((code == 0x7C00 ? decode_f16(0xFC00) == -inf_input : std::isnan(decode_f16(code | 0x8000))));
    }
    CHECK(decode_bf16(0xFF80) == -inf_input);
    CHECK(std::isnan(decode_bf16(0x7F81)));
}

TEST_CASE("any float32 goes to the nearest value of the 4, 6 and 8 bit types") {
    for (const Type& type : types()) {
        if (type.largest > 0xFF) continue;
        CAPTURE(type.name);
        const float largest = max_value(type.format);
        CHECK(largest == type.magnitude(type.largest));
        // A stride prime to 2^31 visits all exponents with all kinds of mantissas.
        for (uint32_t bits = 0; bits < f32_infinity_bits; bits += 130003) {
            const float value = std::bit_cast<float>(bits);
            // Beyond twice the largest value double differences would lose the element.
            const double target = std::min<double>(value, 2 * largest);
            uint32_t best = 0;
            for (uint32_t code = 1; code <= type.largest; ++code) {
                const double gain =
                    std::fabs(type.magnitude(best) - target) - std::fabs(type.magnitude(code) - target);
                if (gain > 0 || (gain == 0 && code % 2 == 0)) best = code;
            }
            REQUIRE(type.encode(value) == best);
            REQUIRE(nearest_magnitude(type.format, largest, -value) == type.magnitude(best));
        }
    }
}

TEST_CASE("nearest_magnitude equals encode and decode at every boundary") {
    std::vector<SmallFloat> formats = {small_float::int8};
    for (const Type& type : types())
        if (type.largest <= 0xFF) formats.push_back(type.format);
    for (const SmallFloat& format : formats) {
        const float largest = max_value(format);
        for (uint32_t low = 0; low < format.max_code; ++low) {
            const float middle = (decode_magnitude(format, low) + decode_magnitude(format, low + 1)) / 2;
            for (float value : {std::nextafterf(middle, 0.0f), middle, std::nextafterf(middle, inf_input)})
                REQUIRE(nearest_magnitude(format, largest, value) ==
                        decode_magnitude(format, encode_magnitude(format, magnitude_bits(value))));
        }
        CHECK(nearest_magnitude(format, largest, inf_input) == largest);
        CHECK(nearest_magnitude(format, largest, -FLT_MAX) == largest);
        CHECK(nearest_magnitude(format, largest, FLT_TRUE_MIN) == 0);
    }
}

TEST_CASE("UE4M3 is E4M3 without its sign") {
    for (int code = 0; code < 0x7F; ++code) {
        const float value = decode_e4m3(static_cast<uint8_t>(code));
        CHECK(same_bits(decode_ue4m3(static_cast<uint8_t>(code)), value));
        CHECK(same_bits(decode_ue4m3(static_cast<uint8_t>(code | 0x80)), value));
        CHECK(encode_ue4m3(value) == code);
        CHECK(encode_ue4m3(-value) == 0);
    }
    CHECK(encode_ue4m3(-inf_input) == 0);
    CHECK(encode_ue4m3(inf_input) == 0x7E);
    for (float nan : {nan_input, -nan_input}) CHECK(encode_ue4m3(nan) == 0x7F);
    for (int code : {0x7F, 0xFF}) CHECK(std::isnan(decode_ue4m3(static_cast<uint8_t>(code))));
}

TEST_CASE("E8M0 holds the powers of two") {
    for (int code = 0; code < 255; ++code) {
        CAPTURE(code);
        const float value = std::ldexp(1.0f, code - 127);
        CHECK(decode_e8m0(static_cast<uint8_t>(code)) == value);
        CHECK(encode_e8m0(value) == code);
        CHECK(encode_e8m0(-value) == 0);
        const float middle = 1.5f * value;
        CHECK(encode_e8m0(middle) == (code == 254 ? 254 : code + code % 2));
        CHECK(encode_e8m0(std::nextafterf(middle, 0.0f)) == code);
        CHECK(encode_e8m0(std::nextafterf(middle, inf_input)) == (code == 254 ? 254 : code + 1));
    }
    CHECK(std::isnan(decode_e8m0(255)));
    CHECK(encode_e8m0(nan_input) == 255);
    CHECK(encode_e8m0(inf_input) == 254);
    for (float small : {0.0f, -0.0f, FLT_TRUE_MIN, -1.0f}) CHECK(encode_e8m0(small) == 0);
}

TEST_CASE("MXINT8 elements are multiples of 1/64") {
    for (int code = -127; code <= 127; ++code) {
        const float value = static_cast<float>(code) / 64;
        CHECK(decode_int8(static_cast<int8_t>(code)) == value);
        CHECK(encode_int8(value) == code);
        if (code == 127) break;
        const float middle = (static_cast<float>(code) + 0.5f) / 64;
        CHECK(encode_int8(middle) == code + (code & 1));
        CHECK(encode_int8(std::nextafterf(middle, -inf_input)) == code);
        CHECK(encode_int8(std::nextafterf(middle, inf_input)) == code + 1);
    }
    CHECK(decode_int8(-128) == -2.0f);
    for (float large : {2.0f, 127.5f / 64, FLT_MAX, inf_input}) {
        CHECK(encode_int8(large) == 127);
        CHECK(encode_int8(-large) == -127);
    }
    for (float none : {nan_input, -nan_input, -0.0f}) CHECK(encode_int8(none) == 0);
}
