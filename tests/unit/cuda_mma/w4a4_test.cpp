// The W4A4 matrix product in the lane simulator against the CPU's definition, over all tile edges.
#include <doctest/doctest.h>

#include "cuda/gemm/w4a4_kernel.h"
#include "gemm_operands.h"

using namespace fp4;
using namespace fp4::cuda;

namespace {

struct Case {
    size_t m, n, k;
    bool bias = false, accumulate = false, x_scale = false;
};

template <BlockFormat format, Emulation emulation>
void check(const Case& c, std::mt19937& random) {
    constexpr bool eight_bits = format == BlockFormat::mxfp8_e4m3;
    const PlainMatrix x = random_matrix(format, c.m, c.k, random),
                      w = random_matrix(eight_bits ? BlockFormat::mxfp4 : format, c.n, c.k, random);
    const PackedMatrix packed_x = pack_activations(x), packed_w = pack_weights(w);
    std::vector<float> bias(c.n), out(c.m * c.n + 1), x_scale(c.m);
    for (float& value : bias) value = static_cast<float>(random() % 1000) - 500;
    for (float& value : out) value = static_cast<float>(random() % 1000) - 500;
    for (float& value : x_scale) value = 0.5f + static_cast<float>(random() % 64) / 64;
    const std::vector<float> old = out;
    const float w_scale = 0.75f;
    const W4A4Arguments arguments{packed_x.codes.data(),
                                  packed_x.scales.data(),
                                  c.x_scale ? x_scale.data() : nullptr,
                                  packed_w.codes.data(),
                                  packed_w.scales.data(),
                                  w_scale,
                                  c.bias ? bias.data() : nullptr,
                                  out.data(),
                                  static_cast<int>(c.m),
                                  static_cast<int>(c.n),
                                  static_cast<int>(c.k),
                                  c.accumulate};
    using Shape = W4A4Shape<format>;
    const Dim3 grid{static_cast<unsigned>((c.m + tile - 1) / tile),
                    static_cast<unsigned>((c.n + tile - 1) / tile), 1};
    lanes::launch(grid, Shape::threads, Shape::shared_bytes,
                  [&] { w4a4_block<format, emulation>(arguments); });
    double worst = 0;
    for (size_t m = 0; m < c.m; ++m)
        for (size_t n = 0; n < c.n; ++n) {
            const size_t i = m * c.n + n;
            const Dot dot = eight_bits ? value_dot(x, m, w, n) : w4a4_dot(x, m, w, n);
            const double scale = static_cast<double>(w_scale) * (c.x_scale ? x_scale[m] : 1.0f);
            const double expected = dot.sum * scale + (c.bias ? bias[n] : 0) + (c.accumulate ? old[i] : 0);
            const double terms = dot.terms * scale + (c.bias ? std::fabs(bias[n]) : 0) +
                                 (c.accumulate ? std::fabs(old[i]) : 0);
            const double error = std::fabs(out[i] - expected) / terms;
            worst = error > worst || std::isnan(error) ? error : worst;
        }
    INFO("format ", int(format), " emulation ", int(emulation), " m ", c.m, " n ", c.n, " k ", c.k);
    CHECK(worst <= 0x1p-22);
    CHECK(out.back() == old.back());
}

} // namespace

TEST_CASE("W4A4 product: tile edges, one block and several") {
    std::mt19937 random(1);
    check<BlockFormat::mxfp4, Emulation::fast>({1, 1, 64}, random);
    check<BlockFormat::nvfp4, Emulation::fast>({1, 1, 64}, random);
    check<BlockFormat::mxfp4, Emulation::fast>({129, 3, 96, true, false, true}, random);
    check<BlockFormat::nvfp4, Emulation::fast>({3, 130, 80, true, true, true}, random);
    check<BlockFormat::mxfp4, Emulation::fast>({70, 127, 704, false, true, false}, random);
    check<BlockFormat::nvfp4, Emulation::fast>({128, 128, 640, false, false, true}, random);
}

TEST_CASE("W4A4 product: with the bit model of the instruction") {
    std::mt19937 random(2);
    check<BlockFormat::mxfp4, Emulation::exact>({17, 33, 160, true, true, true}, random);
    check<BlockFormat::nvfp4, Emulation::exact>({65, 9, 144, true, false, true}, random);
}

TEST_CASE("W4A8 product: tile edges, one block and several") {
    std::mt19937 random(3);
    check<BlockFormat::mxfp8_e4m3, Emulation::fast>({1, 1, 64}, random);
    check<BlockFormat::mxfp8_e4m3, Emulation::fast>({129, 3, 96, true, false, false}, random);
    check<BlockFormat::mxfp8_e4m3, Emulation::fast>({70, 130, 608, true, true, false}, random);
}
