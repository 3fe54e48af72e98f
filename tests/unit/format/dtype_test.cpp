#include "libfp4/format/dtype.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

using namespace fp4;

namespace {

// Converts from an odd address, as tensors inside a file may lie.
template <class Stored>
std::vector<float> converted(DType dtype, const std::vector<Stored>& stored) {
    REQUIRE(dtype_size(dtype) == sizeof(Stored));
    std::vector<unsigned char> bytes(1 + stored.size() * sizeof(Stored));
    const auto* raw = reinterpret_cast<const unsigned char*>(stored.data());
    std::copy_n(raw, stored.size() * sizeof(Stored), bytes.begin() + 1);
    std::vector<float> values(stored.size());
    REQUIRE(convert_to_f32(dtype, bytes.data() + 1, stored.size(), values.data()));
    return values;
}

using Floats = std::vector<float>;

} // namespace

TEST_CASE("dtype names are the safetensors ones and parse back") {
    CHECK(std::string(dtype_name(DType::f32)) == "F32");
    CHECK(std::string(dtype_name(DType::bf16)) == "BF16");
    CHECK(std::string(dtype_name(DType::f8_e4m3)) == "F8_E4M3");
    CHECK(std::string(dtype_name(DType::f8_e8m0)) == "F8_E8M0");
    CHECK(std::string(dtype_name(DType::u8)) == "U8");
    CHECK(std::string(dtype_name(DType::boolean)) == "BOOL");
    for (size_t i = 0; i < dtype_count; ++i)
        CHECK(parse_dtype(dtype_name(static_cast<DType>(i))) == static_cast<DType>(i));
    for (const char* bad : {"", "f32", "F32 ", "F4"}) CHECK(!parse_dtype(bad));
}

TEST_CASE("every numeric dtype converts to float") {
    CHECK(converted<float>(DType::f32, {1.5f, -0.0f}) == Floats{1.5f, -0.0f});
    CHECK(converted<double>(DType::f64, {0.1, 1e300, -1e300}) ==
          Floats{0.1f, std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()});
    CHECK(converted<uint16_t>(DType::f16, {0x3C00, 0xC000, 0x0001}) == Floats{1.0f, -2.0f, 0x1p-24f});
    CHECK(converted<uint16_t>(DType::bf16, {0x3F80, 0xC000, 0x0001}) == Floats{1.0f, -2.0f, 0x1p-133f});
    CHECK(converted<uint8_t>(DType::f8_e4m3, {0x38, 0xFE}) == Floats{1.0f, -448.0f});
    CHECK(converted<uint8_t>(DType::f8_e5m2, {0x3C, 0xFB}) == Floats{1.0f, -57344.0f});
    CHECK(converted<uint8_t>(DType::f8_e8m0, {127, 0}) == Floats{1.0f, 0x1p-127f});
    CHECK(converted<uint8_t>(DType::u8, {0, 255}) == Floats{0.0f, 255.0f});
    CHECK(converted<int8_t>(DType::i8, {-128, 127}) == Floats{-128.0f, 127.0f});
    CHECK(converted<uint16_t>(DType::u16, {65535}) == Floats{65535.0f});
    CHECK(converted<int16_t>(DType::i16, {-32768}) == Floats{-32768.0f});
    CHECK(converted<uint32_t>(DType::u32, {UINT32_MAX}) == Floats{0x1p32f});
    CHECK(converted<int32_t>(DType::i32, {INT32_MIN}) == Floats{-0x1p31f});
    CHECK(converted<uint64_t>(DType::u64, {UINT64_MAX}) == Floats{0x1p64f});
    CHECK(converted<int64_t>(DType::i64, {INT64_MIN, 3}) == Floats{-0x1p63f, 3.0f});
    float target = 7;
    const unsigned char flag = 1;
    CHECK(!convert_to_f32(DType::boolean, &flag, 1, &target));
    CHECK(target == 7);
    CHECK(convert_to_f32(DType::f32, nullptr, 0, nullptr));
}
