// Where packed weights and activation parts lie.
#include <doctest/doctest.h>

#include <set>

#include "cuda/device/activation_view.h"
#include "cuda/device/weight_view.h"

using namespace fp4;
using namespace fp4::cuda;

namespace {

WeightView packed_weight(WeightFormat format, uint32_t rows, uint32_t cols) {
    WeightView weight;
    weight.format = format;
    weight.packed = true;
    weight.rows = rows;
    weight.cols = cols;
    return weight;
}

} // namespace

TEST_CASE("packed codes fill the tiles, every nibble once") {
    for (WeightFormat format : {WeightFormat::mxfp4, WeightFormat::nvfp4}) {
        const WeightView weight = packed_weight(format, 32, 192);
        std::set<size_t> nibbles;
        for (uint32_t row = 0; row < weight.rows; ++row) {
            for (uint32_t column = 0; column < weight.cols; ++column) {
                const PackedPlace place = packed_place(weight, row, column);
                nibbles.insert(place.byte * 2 + (place.shift != 0));
            }
        }
        CHECK(nibbles.size() == 32 * 192);
        CHECK(*nibbles.rbegin() == 32 * 192 - 1);
    }
}

TEST_CASE("a lane's 16 bytes are operand A of mma.m16n8k64 (PTX ISA)") {
    const WeightView weight = packed_weight(WeightFormat::mxfp4, 16, 64);
    for (uint32_t lane = 0; lane < 32; ++lane) {
        for (uint32_t r = 0; r < 4; ++r) {
            for (uint32_t i = 0; i < 8; ++i) {
                const uint32_t row = lane / 4 + 8 * (r & 1), column = 8 * (lane % 4) + i + 32 * (r >> 1);
                const PackedPlace place = packed_place(weight, row, column);
                CHECK(place.byte == lane * 16 + r * 4 + i / 2);
                CHECK(place.shift == static_cast<int>(4 * (i % 2)));
            }
        }
    }
}

TEST_CASE("packed scales: every block of 256 columns once, and together what a lane needs") {
    for (WeightFormat format : {WeightFormat::mxfp4, WeightFormat::nvfp4}) {
        const uint32_t block = format == WeightFormat::nvfp4 ? 16 : 32;
        const WeightView weight = packed_weight(format, 32, 512);
        std::set<size_t> places;
        for (uint32_t row = 0; row < weight.rows; ++row)
            for (uint32_t column = 0; column < weight.cols; ++column)
                places.insert(packed_place(weight, row, column).scale);
        CHECK(places.size() == 32 * 512 / block);
        CHECK(*places.rbegin() == 32 * 512 / block - 1);
        // Rows g and g + 8 of columns 8 t .. 8 t + 7 of all runs of 32: 16 bytes.
        for (uint32_t t = 0; t < 4; ++t) {
            const size_t first = packed_place(weight, 3, 8 * t).scale;
            CHECK(first % 16 == 0);
            for (uint32_t run = 0; run < 8; ++run) {
                CHECK(packed_place(weight, 3, 32 * run + 8 * t).scale == first + 2 * run);
                CHECK(packed_place(weight, 11, 32 * run + 8 * t).scale == first + 2 * run + 1);
            }
        }
    }
}

TEST_CASE("activation parts: every half once, a lane's eight together") {
    ActivationView view;
    view.cols = 300;
    CHECK(view.pitch() == 384);
    CHECK(view.padded() == 512);
    std::set<size_t> places;
    for (uint32_t row = 0; row < 8; ++row)
        for (uint32_t column = 0; column < view.padded(); column += 4)
            for (uint32_t part = 0; part < 2; ++part)
                places.insert(part_place(view.padded(), row, column) + 32 * part);
    CHECK(places.size() == 8 * 512 / 4 * 2);
    CHECK(*places.rbegin() == 8 * 512 * 2 - 4);
    // Lane 4 g + t of token group 1, columns 64..95: column g = 2 token + part of the operand.
    CHECK(part_place(512, 4 + 2, 64 + 8 * 3) == (512 / 32 + 2) * 256 + 2 * 2 * 32 + 3 * 8);
    std::set<size_t> scales;
    for (uint32_t row = 0; row < 8; ++row)
        for (uint32_t column = 0; column < 512; column += 32)
            scales.insert(part_scale_place(512, row, column));
    CHECK(scales.size() == 8 * 16);
    CHECK(*scales.rbegin() == 8 * 16 - 1);
}
