// Names, sizes and the byte layout of packed codes.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "libfp4/format/block_format.h"
#include "libfp4/format/pack.h"

using namespace fp4;

TEST_CASE("format and rule names parse back") {
    for (int i = 0; i < block_format_count; ++i) {
        const auto format = static_cast<BlockFormat>(i);
        CHECK(parse_block_format(block_format_name(format)) == format);
    }
    for (int i = 0; i < scale_rule_count; ++i) {
        const auto rule = static_cast<ScaleRule>(i);
        CHECK(parse_scale_rule(scale_rule_name(rule)) == rule);
    }
    CHECK(parse_block_format("mxfp6-e3m2") == BlockFormat::mxfp6_e3m2);
    CHECK(parse_scale_rule("four-over-six") == ScaleRule::four_over_six);
    for (const char* bad : {"", "MXFP4", "mxfp", "mse "}) {
        CHECK(!parse_block_format(bad));
        CHECK(!parse_scale_rule(bad));
    }
}

TEST_CASE("which rules apply") {
    const auto rules_of = [](BlockFormat format) {
        std::string rules;
        for (int i = 0; i < scale_rule_count; ++i)
            if (scale_rule_applies(format, static_cast<ScaleRule>(i)))
                rules += std::string(scale_rule_name(static_cast<ScaleRule>(i))) + " ";
        return rules;
    };
    CHECK(rules_of(BlockFormat::mxfp4) == "floor ceil even uos prescale34 mse ");
    CHECK(rules_of(BlockFormat::nvfp4) == "mse amax four-over-six ");
    CHECK(rules_of(BlockFormat::mxfp8_e4m3) == "floor ceil even mse tensor ");
    for (BlockFormat format :
         {BlockFormat::mxfp8_e5m2, BlockFormat::mxfp6_e2m3, BlockFormat::mxfp6_e3m2, BlockFormat::mxint8})
        CHECK(rules_of(format) == "floor ceil even mse ");
}

TEST_CASE("row sizes") {
    struct Case {
        BlockFormat format;
        double bits_per_weight;
        size_t scales_of_33, bytes_of_33, bytes_of_64;
    };
    for (const Case& c :
         {Case{BlockFormat::mxfp4, 4.25, 2, 32, 32}, Case{BlockFormat::nvfp4, 4.5, 3, 24, 32},
          Case{BlockFormat::mxfp6_e2m3, 6.25, 2, 48, 48}, Case{BlockFormat::mxfp6_e3m2, 6.25, 2, 48, 48},
          Case{BlockFormat::mxfp8_e4m3, 8.25, 2, 64, 64}, Case{BlockFormat::mxfp8_e5m2, 8.25, 2, 64, 64},
          Case{BlockFormat::mxint8, 8.25, 2, 64, 64}}) {
        CAPTURE(block_format_name(c.format));
        CHECK(bits_per_weight(c.format) == c.bits_per_weight);
        CHECK(row_scales(c.format, 0) == 0);
        CHECK(row_code_bytes(c.format, 0) == 0);
        CHECK(row_scales(c.format, 33) == c.scales_of_33);
        CHECK(row_code_bytes(c.format, 33) == c.bytes_of_33);
        CHECK(row_code_bytes(c.format, 1) == row_code_bytes(c.format, block_size(c.format)));
        CHECK(row_code_bytes(c.format, 64) == c.bytes_of_64);
    }
    CHECK(row_blocks(SIZE_MAX, 32) == SIZE_MAX / 32 + 1);
}

TEST_CASE("packed bytes of hand-made codes") {
    using Bytes = std::vector<uint8_t>;
    const Bytes codes = {0x1, 0xF, 0x0, 0x8};
    Bytes packed(2);
    pack_codes(4, codes.data(), 4, packed.data());
    CHECK(packed == Bytes{0xF1, 0x80});

    // 6 bit: 000001 | 100000 | 110011 | 111111, element 0 lowest: 111111 110011 100000 000001.
    const Bytes six = {0x01, 0x20, 0x33, 0x3F};
    packed.resize(3);
    pack_codes(6, six.data(), 4, packed.data());
    CHECK(packed == Bytes{0x01, 0x38, 0xFF});

    packed.resize(4);
    pack_codes(8, six.data(), 4, packed.data());
    CHECK(packed == six);
}

TEST_CASE("unpacking inverts packing") {
    for (int bits : {4, 6, 8}) {
        std::vector<uint8_t> codes(32), packed(32 * static_cast<size_t>(bits) / 8), back(32);
        for (int start = 0; start < 256; ++start) {
            for (int i = 0; i < 32; ++i) codes[static_cast<size_t>(i)] = (start + 37 * i) & ((1 << bits) - 1);
            pack_codes(bits, codes.data(), 32, packed.data());
            unpack_codes(bits, packed.data(), 32, back.data());
            REQUIRE(back == codes);
        }
    }
}
