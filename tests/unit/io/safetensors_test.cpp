#include <doctest/doctest.h>

#include <cstring>

#include "libfp4/io/checkpoint.h"
#include "libfp4/io/verify.h"
#include "tests/unit/io/images.h"
#include "tests/unit/io/test_files.h"

using namespace fp4;
using namespace fp4::test;

namespace {

std::string entry(const char* dtype, const char* shape, uint64_t begin, uint64_t end) {
    return concat("{\"dtype\":\"", dtype, "\",\"shape\":", shape, ",\"data_offsets\":[", begin, ",", end,
                  "]}");
}

// The message of opening an image that must be refused.
std::string refusal(const std::string& image, Status status = Status::format) {
    auto opened = open_image(image);
    REQUIRE(!opened.ok());
    CHECK(opened.error().status == status);
    CHECK(opened.error().message.find("image") == 0); // the name of the source
    return opened.error().message;
}

std::string refusal_of_header(const std::string& header, size_t data, Status status = Status::format) {
    return refusal(safetensors_image(header, std::string(data, 'x')), status);
}

bool names(const std::string& message, const char* part) {
    return message.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("safetensors: tensors, shapes and values") {
    auto opened = open_image(valid_safetensors());
    REQUIRE(opened.ok());
    const Checkpoint& checkpoint = **opened;
    CHECK(std::string(checkpoint.kind()) == "safetensors");
    CHECK(checkpoint.tensors().size() == 3);
    const TensorInfo* a = checkpoint.find("a");
    REQUIRE(a);
    CHECK(a->shape == std::vector<uint64_t>{2, 3});
    CHECK(a->rows() == 2);
    CHECK(a->row_length() == 3);
    CHECK(a->stored_bytes == 24);
    CHECK(encoding_name(checkpoint.find("b")->encoding) == "BF16");
    CHECK(checkpoint.find("b")->rows() == 1);
    CHECK(checkpoint.find("s")->row_length() == 1);
    CHECK(!checkpoint.find("c"));
    float expected;
    uint32_t bits = 0x3e3e3e3e;
    std::memcpy(&expected, &bits, 4);
    CHECK(read_all(checkpoint, "a") == std::vector<float>(6, expected));
    bits = 0x3e3e0000; // bfloat16 is the upper half of float32
    std::memcpy(&expected, &bits, 4);
    CHECK(read_all(checkpoint, "b") == std::vector<float>(4, expected));
    CHECK(verify_checkpoint(checkpoint).ok());
    CHECK(!checkpoint.has_document("config.json"));
    CHECK(checkpoint.read_document("config.json").error().status == Status::not_found);
    CHECK(*checkpoint.tensor_scale(*a) == 1.0f);
}

TEST_CASE("safetensors: rows out of range, wrong kinds and foreign tensors are refused") {
    auto checkpoint = take(open_image(valid_safetensors()));
    const TensorInfo& a = *checkpoint->find("a");
    std::vector<float> target(64);
    std::vector<uint8_t> raw_target(64);
    CHECK(checkpoint->read_f32(a, 2, 0, target.data()).ok());
    for (auto [first, count] : {std::pair{0ull, 3ull}, {2ull, 1ull}, {~0ull, 1ull}, {1ull, ~0ull}}) {
        CHECK(checkpoint->read_f32(a, first, count, target.data()).error().status == Status::argument);
        CHECK(checkpoint->read_plain(a, first, count, raw_target.data()).error().status == Status::argument);
    }
    CHECK(checkpoint->read_plain(a, 1, 1, raw_target.data()).ok());
    CHECK(raw_target[11] == 0x3e);
    CHECK(raw_target[12] == 0);
    CHECK(checkpoint->read_block(a, 0, 1, raw_target.data(), raw_target.data()).error().status ==
          Status::unsupported);
    CHECK(checkpoint->map_block(a).codes.empty());
    TensorInfo foreign = a;
    foreign.name = "z";
    CHECK(checkpoint->read_f32(foreign, 0, 1, target.data()).error().status == Status::argument);
    CHECK(checkpoint->map_plain(foreign).empty());
    foreign = a;
    foreign.shape = {1u << 20, 3};
    CHECK(checkpoint->read_f32(foreign, 0, 1, target.data()).error().status == Status::argument);
    foreign = a;
    foreign.stored_bytes = 1u << 20; // a view is of what the file says
    CHECK(checkpoint->map_plain(foreign).size() <= 24);
}

TEST_CASE("safetensors: header length") {
    CHECK(names(refusal("\x01"), "begins"));
    std::string header = "{}";
    for (uint64_t length : {3ull, 1ull << 31, 1ull << 32, 1ull << 63, ~0ull, ~0ull - 7}) {
        CHECK(names(refusal(safetensors_image(length, header, "")), "header length"));
    }
    refusal(safetensors_image(0, header, ""));
    refusal(safetensors_image(1, header, ""));
    CHECK(open_image(safetensors_image("{}   ", "")).ok());
    // header_too_large: only a file that is as large can have it
    CHECK(names(refusal(safetensors_image("{" + std::string(100'000'001, ' '), ""), Status::limit), "limit"));
}

TEST_CASE("safetensors: header text") {
    refusal_of_header("{", 0);
    refusal_of_header("{}}", 0);
    refusal_of_header("{\"a\":" + entry("F32", "[1]", 0, 4) + ",\"a\":" + entry("F32", "[1]", 0, 4) + "}", 4);
    refusal_of_header("{\"\xff\":" + entry("F32", "[1]", 0, 4) + "}", 4);
    refusal_of_header("{\"a\":1}", 0);
    refusal_of_header("{\"a\":{}}", 0);
    refusal_of_header("{\"a\":[[[[[[]]]]]]}", 0, Status::limit);
    refusal_of_header("{\"__metadata__\":1}", 0);
    refusal_of_header("{\"__metadata__\":{\"a\":1}}", 0);
    refusal_of_header("{\"\":" + entry("F32", "[1]", 0, 4) + "}", 4, Status::limit);
    refusal_of_header("{\"" + std::string(513, 'n') + "\":" + entry("F32", "[1]", 0, 4) + "}", 4,
                      Status::limit);
    refusal_of_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4);
    CHECK(
        names(refusal_of_header("{\"a\":" + entry("F4", "[2]", 0, 1) + "}", 1, Status::unsupported), "'a'"));
    refusal_of_header("{\"a\":{\"dtype\":5,\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
}

TEST_CASE("safetensors: shapes and offsets") {
    auto one = [](const char* dtype, const char* shape, uint64_t begin, uint64_t end) {
        return "{\"a\":" + entry(dtype, shape, begin, end) + "}";
    };
    CHECK(open_image(safetensors_image(one("U8", "[2,2]", 0, 4), "xxxx")).ok());
    CHECK(names(refusal_of_header(one("U8", "[2,0]", 0, 0), 0), "zero dimension"));
    for (const char* shape :
         {"[2147483648,2147483648]", "[4294967296,4294967296]", "[9223372036854775808]",
          "[18446744073709551615]", "[9223372036854775808,2]", "[4294967296,4294967296,2]"}) {
        refusal_of_header(one("F32", shape, 0, 4), 4, Status::limit);
    }
    refusal_of_header(one("U8", "[18446744073709551616]", 0, 4), 4); // no 64-bit integer: read as a float
    refusal_of_header(one("U8", "[-1]", 0, 4), 4);
    refusal_of_header(one("U8", "[1.0]", 0, 4), 4);
    refusal_of_header(one("U8", "4", 0, 4), 4);
    refusal_of_header(one("U8", "[1,1,1,1,1,1,1,1,4]", 0, 4), 4, Status::limit);
    CHECK(names(refusal_of_header(one("U8", "[4]", 0, 4), 3), "truncated"));
    refusal_of_header(one("U8", "[4]", 0, ~0ull), 4);
    refusal_of_header(one("U8", "[4]", ~0ull - 3, ~0ull), 4);
    refusal_of_header(one("U8", "[4]", 4, 0), 4);
    CHECK(names(refusal_of_header(one("F32", "[2]", 0, 4), 4), "needs 8 bytes"));
    CHECK(names(refusal_of_header(one("U8", "[4]", 0, 4), 5), "follow"));
    CHECK(names(refusal_of_header(one("U8", "[4]", 1, 5), 5), "hole"));
    refusal_of_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1);
    auto two = [](uint64_t begin, uint64_t end) {
        return "{\"a\":" + entry("U8", "[4]", 0, 4) + ",\"b\":" + entry("U8", "[4]", begin, end) + "}";
    };
    CHECK(open_image(safetensors_image(two(4, 8), "xxxxyyyy")).ok());
    CHECK(names(refusal_of_header(two(2, 6), 6), "inside the tensor before it"));
    CHECK(names(refusal_of_header(two(0, 4), 4), "inside the tensor before it"));
    CHECK(names(refusal_of_header(two(5, 9), 9), "hole"));
}

TEST_CASE("safetensors: every dtype opens; those without float meaning say so") {
    struct {
        const char* dtype;
        int bytes;
        bool is_float;
    } all[] = {{"F64", 8, true},     {"F32", 4, true},     {"F16", 2, true},     {"BF16", 2, true},
               {"F8_E4M3", 1, true}, {"F8_E5M2", 1, true}, {"F8_E8M0", 1, true}, {"U8", 1, false},
               {"I8", 1, false},     {"U16", 2, false},    {"I16", 2, false},    {"U32", 4, false},
               {"I32", 4, false},    {"U64", 8, false},    {"I64", 8, false},    {"BOOL", 1, false}};
    for (const auto& item : all) {
        const auto& [dtype, bytes, is_float] = item;
        CAPTURE(item.dtype);
        auto opened = open_image(safetensors_image("{\"a\":" + entry(dtype, "[3]", 0, 3 * bytes) + "}",
                                                   std::string(3 * bytes, '\0')));
        REQUIRE(opened.ok());
        float values[3];
        auto read = (*opened)->read_f32((*opened)->tensors()[0], 0, 1, values);
        if (is_float) CHECK(read.ok());
        if (!read.ok()) {
            CHECK(read.error().status == Status::unsupported);
            CHECK(names(read.error().message, "tensor 'a'"));
        }
    }
}

TEST_CASE("safetensors: 100,000 tiny tensors open quickly and are all found") {
    std::string header = "{";
    constexpr int count = 100000;
    for (int i = 0; i < count; i++) {
        header += concat(i ? "," : "", "\"t", i, "\":", entry("U8", "[1]", i, i + 1));
    }
    auto opened = open_image(safetensors_image(header + "}", std::string(count, 'x')));
    REQUIRE(opened.ok());
    for (int i = 0; i < count; i++) REQUIRE((*opened)->find(concat("t", i)));
}
