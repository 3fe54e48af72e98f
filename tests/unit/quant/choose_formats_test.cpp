#include "libfp4/quant/choose_formats.h"

#include <doctest/doctest.h>

using namespace fp4;

namespace {

SiteCosts site(uint64_t weights, double four, double six, double eight) {
    return {weights,
            {{BlockFormat::mxfp4, four}, {BlockFormat::mxfp6_e2m3, six}, {BlockFormat::mxfp8_e4m3, eight}}};
}

} // namespace

TEST_CASE("bits go where they save most error") {
    const std::vector<SiteCosts> sites{site(100, 0.10, 0.04, 0.03), site(100, 0.50, 0.10, 0.05),
                                       site(100, 0.20, 0.19, 0.18)};
    // 4.25, 6.25 and 8.25 bits: the budget allows one step of two bits in 300 weights, then a second and a
    // third.
    CHECK(*spend_bits(sites, 4.25) == std::vector<size_t>{0, 0, 0});
    CHECK(*spend_bits(sites, 4.25 + 2.0 / 3) == std::vector<size_t>{0, 1, 0});
    CHECK(*spend_bits(sites, 4.25 + 4.0 / 3) == std::vector<size_t>{1, 1, 0});
    CHECK(*spend_bits(sites, 4.25 + 6.0 / 3) == std::vector<size_t>{1, 2, 0});
    CHECK(*spend_bits(sites, 8.25) == std::vector<size_t>{2, 2, 2});
}

TEST_CASE("a large site is passed over for a small one that fits") {
    const std::vector<SiteCosts> sites{site(1000, 0.9, 0.1, 0.1), site(10, 0.2, 0.1, 0.1)};
    CHECK(*spend_bits(sites, 4.25 + 0.05) == std::vector<size_t>{0, 1});
}

TEST_CASE("more bits that do not help are not spent; a budget below the fewest bits is refused") {
    const std::vector<SiteCosts> sites{site(100, 0.1, 0.1, 0.2)};
    CHECK(*spend_bits(sites, 8.25) == std::vector<size_t>{0});
    auto refused = spend_bits(sites, 4.0);
    REQUIRE(!refused.ok());
    CHECK(refused.error().message.find("choice.bits_per_weight: 4") != std::string::npos);
}
