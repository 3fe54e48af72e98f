// Other implementations' outputs: microsoft/microxcaling (MX), TransformerEngine's rule (NVFP4), ONNX backend
// test data. The files are external (test_data.h); without them these cases say so and pass.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "libfp4/format/block_format.h"
#include "libfp4/format/element.h"
#include "libfp4/format/pack.h"
#include "tests/unit/format/test_data.h"

using namespace fp4;
using fp4::test::read_vectors;
using nlohmann::json;

namespace {

struct Quantized {
    std::vector<uint8_t> codes, scales; // one code a byte
    std::vector<float> values;
};

// One row per tensor: k is a multiple of the block here, so rows can be joined.
Quantized quantize(BlockFormat format, ScaleRule rule, float tensor_scale, const std::vector<float>& input) {
    const size_t k = input.size();
    std::vector<uint8_t> packed(row_code_bytes(format, k));
    Quantized out{std::vector<uint8_t>(k), std::vector<uint8_t>(row_scales(format, k)),
                  std::vector<float>(k)};
    quantize_row(format, rule, tensor_scale, input.data(), k, packed.data(), out.scales.data());
    dequantize_row(format, tensor_scale, packed.data(), out.scales.data(), k, out.values.data());
    unpack_codes(element_bits(format), packed.data(), k, out.codes.data());
    return out;
}

float from_hex(const json& value) {
    return std::bit_cast<float>(
        static_cast<uint32_t>(std::strtoul(value.get<std::string>().c_str(), nullptr, 16)));
}

// An input or output list of the ONNX file as floats, whatever its type.
std::vector<float> onnx_floats(const json& tensor) {
    std::vector<float> values;
    const std::string type = tensor["type"];
    for (const json& value : tensor["values"]) {
        if (type == "f32_hex")
            values.push_back(from_hex(value));
        else if (type == "f16_hex")
            values.push_back(decode_f16(
                static_cast<uint16_t>(std::strtoul(value.get<std::string>().c_str(), nullptr, 16))));
        else if (type == "e2m1_code")
            values.push_back(decode_e2m1(value.get<uint8_t>()));
        else if (type == "e8m0_code")
            values.push_back(decode_e8m0(value.get<uint8_t>()));
        else
            FAIL("unknown type ", type);
    }
    return values;
}

bool same_bits(float a, float b) {
    return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

} // namespace

TEST_CASE("microxcaling: MXFP4 codes and all element types' values under the floor rule") {
    auto tensors = read_vectors("vectors/mxfp4_microxcaling.safetensors");
    if (tensors.empty()) {
        MESSAGE("skipped: no vectors/mxfp4_microxcaling.safetensors");
        return;
    }
    const std::vector<float> input = tensors["input"].floats();
    REQUIRE(input.size() == 445 * 32);
    // `even` names the rounding of the elements there (ties to even); the scale rule is OCP's floor.
    const Quantized fp4 = quantize(BlockFormat::mxfp4, ScaleRule::floor, 1.0f, input);
    CHECK(fp4.scales == tensors["scale_e8m0"].codes());
    CHECK(fp4.values == tensors["dequant_even"].floats());
    const std::vector<uint8_t> codes = tensors["code_even"].codes();
    size_t negative_zeros = 0;
    for (size_t i = 0; i < input.size(); ++i) {
        // That library drops the sign of an exact -0 input; this one keeps it.
        const bool negative_zero = input[i] == 0 && std::signbit(input[i]);
        negative_zeros += negative_zero;
        REQUIRE(fp4.codes[i] == (negative_zero ? 8 : codes[i]));
    }
    CHECK(negative_zeros == 7);
    const std::vector<std::pair<BlockFormat, const char*>> others = {
        {BlockFormat::mxfp6_e2m3, "dequant_even_fp6_e2m3"},
        {BlockFormat::mxfp6_e3m2, "dequant_even_fp6_e3m2"},
        {BlockFormat::mxfp8_e4m3, "dequant_even_fp8_e4m3"},
        {BlockFormat::mxfp8_e5m2, "dequant_even_fp8_e5m2"},
        {BlockFormat::mxint8, "dequant_even_int8"}};
    for (const auto& other : others) {
        CAPTURE(std::string(other.second));
        CHECK(quantize(other.first, ScaleRule::floor, 1.0f, input).values == tensors[other.second].floats());
    }
}

TEST_CASE("TransformerEngine's NVFP4 rule") {
    auto tensors = read_vectors("vectors/nvfp4_numpy.safetensors");
    if (tensors.empty()) {
        MESSAGE("skipped: no vectors/nvfp4_numpy.safetensors");
        return;
    }
    std::set<std::string> cases;
    for (const auto& [name, tensor] : tensors) cases.insert(name.substr(0, name.find('.')));
    CHECK(cases.size() == 8);
    for (const std::string& name : cases) {
        CAPTURE(name);
        const float tensor_scale = tensors[name + ".global_scale"].floats().at(0);
        const float amax = tensors[name + ".amax"].floats().at(0);
        const std::vector<float> input = tensors[name + ".input"].floats();
        CHECK(row_amax(input.data(), input.size()) == amax);
        // They compute 1 / (2688 / amax): one rounding more.
        if (amax > 0)
            CHECK(tensor_scale_for(BlockFormat::nvfp4, ScaleRule::amax, amax) ==
                  doctest::Approx(tensor_scale).epsilon(2e-7));
        const Quantized ours = quantize(BlockFormat::nvfp4, ScaleRule::amax, tensor_scale, input);
        CHECK(ours.scales == tensors[name + ".scale_e4m3"].codes());
        CHECK(ours.values == tensors[name + ".dequant"].floats());
        const std::vector<uint8_t> codes = tensors[name + ".code"].codes();
        for (size_t i = 0; i < input.size(); ++i)
            // Codes of blocks with scale 0 mean nothing there and are zero here.
            REQUIRE(ours.codes[i] == (ours.scales[i / 16] == 0 ? 0 : codes[i]));
    }
}

TEST_CASE("ONNX casts to and from E2M1 and E8M0") {
    const auto text = test::read_data_file("vectors/onnx_fp4_e8m0.json");
    if (!text) {
        MESSAGE("skipped: no vectors/onnx_fp4_e8m0.json");
        return;
    }
    const json cases = json::parse(*text, nullptr, false);
    REQUIRE(cases.is_object());
    const auto input = [&](const char* name, size_t i = 0) { return onnx_floats(cases[name]["inputs"][i]); };

    for (const char* name : {"test_cast_FLOAT_to_FLOAT4E2M1", "test_cast_FLOAT16_to_FLOAT4E2M1"}) {
        const std::vector<float> values = input(name);
        const json& codes = cases[name]["output"]["values"];
        REQUIRE(codes.size() == values.size());
        for (size_t i = 0; i < values.size(); ++i)
            // NaN gives -0 there and +0 here.
            CHECK(encode_e2m1(values[i]) == (std::isnan(values[i]) ? 0 : codes[i].get<int>()));
    }
    for (const char* name : {"test_cast_FLOAT4E2M1_to_FLOAT", "test_cast_e8m0_FLOAT8E8M0_to_FLOAT"}) {
        const std::vector<float> values = input(name), expected = onnx_floats(cases[name]["output"]);
        REQUIRE(values.size() == expected.size());
        for (size_t i = 0; i < values.size(); ++i) CHECK(same_bits(values[i], expected[i]));
    }
    // Their E8M0 cast rounds up; powers of two (and zero) agree with round to nearest.
    const char* to_e8m0 = "test_cast_e8m0_FLOAT_to_FLOAT8E8M0";
    const std::vector<float> scales = input(to_e8m0);
    int exact = 0;
    for (size_t i = 0; i < scales.size(); ++i) {
        int exponent;
        if (scales[i] != 0 && std::frexp(scales[i], &exponent) != 0.5f) continue;
        CHECK(encode_e8m0(scales[i]) == cases[to_e8m0]["output"]["values"][i].get<int>());
        ++exact;
    }
    CHECK(exact == 6);

    // Only the first six codes of this list are usable: the file holds the raw bytes of a protobuf varint
    // list, in which the byte FF is followed by a continuation byte 01.
    const char* quantize_linear = "test_quantizelinear_float4e2m1";
    const std::vector<float> matrix = input(quantize_linear), row_scale = input(quantize_linear, 1);
    for (size_t i = 0; i < 6; ++i) // [3, 4], one scale a row
        CHECK(encode_e2m1(matrix[i] / row_scale[i / 4]) ==
              cases[quantize_linear]["output"]["values"][i].get<int>());
    const char* dequantize_linear = "test_dequantizelinear_float4e2m1";
    const std::vector<float> elements = input(dequantize_linear),
                             products = onnx_floats(cases[dequantize_linear]["output"]);
    for (size_t i = 0; i < elements.size(); ++i)
        CHECK(elements[i] * input(dequantize_linear, 1)[0] == products[i]);
}
