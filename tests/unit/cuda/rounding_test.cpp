// The device's codecs, compiled for the host, against those of libfp4/format.
#include "cuda/device/rounding.h"

#include <doctest/doctest.h>

#include <cfloat>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "cuda/device/plain_row.h"
#include "libfp4/format/element.h"

using namespace fp4;
using namespace fp4::cuda;

namespace {

bool same(float a, float b) {
    return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, 4) == 0;
}

} // namespace

TEST_CASE("every code decodes as in format/element.h") {
    for (uint32_t code = 0; code < 256; ++code) {
        const auto byte = static_cast<uint8_t>(code);
        CHECK(same(decode_element(BlockFormat::mxfp8_e4m3, code), decode_e4m3(byte)));
        CHECK(same(decode_element(BlockFormat::mxfp8_e5m2, code), decode_e5m2(byte)));
        CHECK(same(decode_element(BlockFormat::mxint8, code), decode_int8(static_cast<int8_t>(byte))));
        CHECK(same(decode_scale(BlockFormat::mxfp4, code), decode_e8m0(byte)));
        CHECK(same(decode_scale(BlockFormat::nvfp4, code), decode_ue4m3(byte)));
    }
    for (uint8_t code = 0; code < 64; ++code) {
        CHECK(same(decode_element(BlockFormat::mxfp6_e2m3, code), decode_e2m3(code)));
        CHECK(same(decode_element(BlockFormat::mxfp6_e3m2, code), decode_e3m2(code)));
    }
    for (uint8_t code = 0; code < 16; ++code)
        CHECK(same(decode_element(BlockFormat::mxfp4, code), decode_e2m1(code)));
    for (uint32_t code = 0; code < 65536; ++code) {
        const auto half = static_cast<uint16_t>(code);
        REQUIRE(same(decode_half(WeightFormat::f16, code), decode_f16(half)));
        REQUIRE(same(decode_half(WeightFormat::bf16, code), decode_bf16(half)));
    }
}

TEST_CASE("blocks get the codes and scales of quantize_row") {
    using Kind = ActivationFormat::Kind;
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    struct Case {
        Kind kind;
        ScaleRule rule;
        float tensor_scale;
    };
    for (Case c : {Case{Kind::mxint8, ScaleRule::floor, 1.0f},
                   {Kind::mxint8, ScaleRule::even, 1.0f},
                   {Kind::mxfp8_e4m3, ScaleRule::ceil, 1.0f},
                   {Kind::mxfp8_e4m3, ScaleRule::tensor, 0x1.8p-12f},
                   {Kind::mxfp4, ScaleRule::even, 1.0f},
                   {Kind::mxfp4, ScaleRule::uos, 1.0f},
                   {Kind::mxfp4, ScaleRule::prescale34, 4.0f / 3.0f},
                   {Kind::nvfp4, ScaleRule::amax, 0x1.2p-10f}}) {
        const BlockFormat format = rounded_format(c.kind);
        const size_t block = block_size(format);
        for (int round = 0; round < 400; ++round) {
            std::vector<float> x(block);
            const float size = std::ldexp(1.0f, static_cast<int>(random() % 300) - 150);
            for (float& value : x) value = normal(random) * size;
            if (round % 7 == 0) x[round % block] = 0x1p-149f;
            if (round == 13) x[3] = INFINITY;
            if (round == 14) x.assign(block, 0.0f);
            std::vector<uint8_t> codes(block), scales(1);
            quantize_row(format, c.rule, c.tensor_scale, x.data(), block, codes.data(), scales.data());
            uint32_t amax = 0;
            for (float value : x) amax = std::max(amax, magnitude_bits(value));
            const uint8_t scale = block_scale_code(format, c.rule, c.tensor_scale, amax);
            REQUIRE(scale == scales[0]);
            const float inverse = inverse_scale(decode_scale(format, scale), c.tensor_scale);
            for (uint32_t j = 0; j < block; ++j) {
                const bool zero = inverse == 0 || amax == 0;
                const uint8_t code = zero ? 0 : encode_block_element(block_element(format), x[j] * inverse);
                REQUIRE(code == plain_code(format, codes.data(), j));
            }
        }
    }
}

TEST_CASE("round_element: code and value of the codecs") {
    std::mt19937 random(8);
    for (BlockFormat format : {BlockFormat::mxfp4, BlockFormat::mxfp8_e4m3, BlockFormat::mxint8}) {
        const BlockElement element = block_element(format);
        auto check = [&](float value) {
            const RoundedElement rounded = round_element(format, value);
            REQUIRE(rounded.code == encode_block_element(element, value));
            REQUIRE(same(rounded.value, decode_element(format, rounded.code)));
        };
        for (float value : {0.0f, -0.0f, 1e-45f, FLT_MAX, -FLT_MAX}) check(value);
        for (int i = 0; i < 200000; ++i) {
            check(std::ldexp(static_cast<float>(random() % 65536) / 4096.0f - 8.0f, // ties among them
                             static_cast<int>(random() % 24) - 14));
            const float any = std::bit_cast<float>(static_cast<uint32_t>(random()));
            if (std::isfinite(any)) check(any);
        }
    }
}

TEST_CASE("the token scale is tensor_scale_for") {
    struct Case {
        BlockFormat format;
        ScaleRule rule;
    };
    for (const auto [format, rule] : {Case{BlockFormat::nvfp4, ScaleRule::amax},
                                      {BlockFormat::nvfp4, ScaleRule::four_over_six},
                                      {BlockFormat::nvfp4, ScaleRule::mse},
                                      {BlockFormat::mxfp8_e4m3, ScaleRule::tensor}})
        for (float amax : {0.0f, 1e-40f, 1e-30f, 1.0f, 2688.0f, 3e38f, INFINITY, NAN}) {
            const float values[] = {amax, 0.0f};
            CHECK(token_scale(format, rule, magnitude_bits(amax)) ==
                  tensor_scale_for(format, rule, row_amax(values, 2)));
        }
}
