// The W4A16 matrix product on mma.sync in the lane simulator, over all tile edges. Activations are values
// fp16 holds, so that only the order of the float32 sums is free.
#include <doctest/doctest.h>

#include "cuda/gemm/w4a16_mma_kernel.h"
#include "gemm_operands.h"

using namespace fp4;
using namespace fp4::cuda;

namespace {

struct Case {
    size_t m, n, k;
    bool bias = false, accumulate = false, x_scale = false;
    int split_panels = 0;
    int scale_spread = 12; // of MXFP4, in powers of two
};

template <BlockFormat format>
void check(const Case& c, std::mt19937& random) {
    PlainMatrix w = random_matrix(format, c.n, c.k, random);
    if (format == BlockFormat::mxfp4)
        for (uint8_t& scale : w.scales)
            scale = static_cast<uint8_t>(100 + random() % static_cast<unsigned>(c.scale_spread));
    const PackedMatrix packed = pack_weights(w);
    const size_t panel_rows = round_up(c.m, panel_row_step);
    std::vector<uint8_t> panels(half_bytes(panel_rows, c.k));
    std::vector<float> x(c.m * c.k), bias(c.n), out(c.m * c.n + 1), x_scale(c.m);
    for (size_t i = 0; i < x.size(); ++i) {
        x[i] = decode_f16(encode_f16(static_cast<float>(static_cast<int>(random() % 4096) - 2048) / 512.0f));
        const uint16_t code = encode_f16(x[i]);
        std::memcpy(panels.data() + half_offset(panel_rows, i / c.k, i % c.k), &code, 2);
    }
    for (float& value : bias) value = static_cast<float>(random() % 1000) - 500;
    for (float& value : out) value = static_cast<float>(random() % 1000) - 500;
    for (float& value : x_scale) value = static_cast<float>(1u << random() % 4);
    const std::vector<float> old = out;
    std::vector<W4Row> rows(c.n);
    for (size_t n = 0; n < c.n; ++n) {
        int top = 0;
        for (size_t i = 0; i < w.scale_stride(); ++i)
            top = std::max<int>(top, w.scales[n * w.scale_stride() + i]);
        rows[n] = format == BlockFormat::nvfp4 ? W4Row{nvfp4_row_unit, 0}
                                               : W4Row{std::ldexp(1.0f, top - 127 + mxfp4_row_unit_exponent),
                                                       mxfp4_top_exponent - top};
    }
    const int panels_in_all = static_cast<int>((c.k + 63) / 64);
    const int split_panels = c.split_panels > 0 ? c.split_panels : (panels_in_all + 3) / 4 * 4;
    const int splits = (panels_in_all + split_panels - 1) / split_panels;
    std::vector<float> sums(static_cast<size_t>(splits) * c.m * c.n, NAN);
    W4A16Arguments arguments;
    arguments.x = panels.data();
    arguments.panel_rows = panel_rows;
    arguments.x_scale = c.x_scale ? x_scale.data() : nullptr;
    arguments.m = static_cast<int>(c.m);
    arguments.k = static_cast<int>(c.k);
    arguments.split_panels = split_panels;
    arguments.sums_only = splits > 1;
    W4A16Weights& weights = arguments.weights[0];
    weights.codes = packed.codes.data();
    weights.scales = packed.scales.data();
    weights.rows = rows.data();
    weights.bias = c.bias ? bias.data() : nullptr;
    weights.out = splits > 1 ? sums.data() : out.data();
    weights.n = static_cast<int>(c.n);
    weights.accumulate = c.accumulate;
    const Dim3 grid{static_cast<unsigned>((c.m + 127) / 128), static_cast<unsigned>((c.n + 127) / 128),
                    static_cast<unsigned>(splits)};
    lanes::launch(grid, W4A16MmaShape::threads, W4A16MmaShape::shared_bytes,
                  [&] { w4a16_mma_block<format>(arguments); });
    double worst = 0;
    std::vector<float> values(c.k);
    for (size_t n = 0; n < c.n; ++n) {
        dequantize_row(format, 1.0f, w.codes.data() + n * w.code_stride(),
                       w.scales.data() + n * w.scale_stride(), c.k, values.data());
        for (size_t m = 0; m < c.m; ++m) {
            const size_t i = m * c.n + n;
            double sum = 0, terms = 1e-30;
            for (size_t k = 0; k < c.k; ++k) {
                sum += static_cast<double>(values[k]) * x[m * c.k + k];
                terms += std::fabs(static_cast<double>(values[k]) * x[m * c.k + k]);
            }
            double got = out[i], expected = sum;
            if (splits > 1) {
                got = 0;
                for (size_t s = 0; s < static_cast<size_t>(splits); ++s) got += sums[s * c.m * c.n + i];
                got *= rows[n].factor;
            } else {
                const double scale = c.x_scale ? x_scale[m] : 1.0f;
                expected = sum * scale + (c.bias ? bias[n] : 0) + (c.accumulate ? old[i] : 0);
                terms = terms * scale + (c.bias ? std::fabs(bias[n]) : 0) +
                        (c.accumulate ? std::fabs(old[i]) : 0);
            }
            const double error = std::fabs(got - expected) / terms;
            worst = error > worst || std::isnan(error) ? error : worst;
        }
    }
    INFO("format ", int(format), " m ", c.m, " n ", c.n, " k ", c.k);
    CHECK(worst <= 0x1p-21);
    CHECK(out.back() == old.back());
}

} // namespace

TEST_CASE("W4A16 product on mma.sync: tile edges, one block and several") {
    std::mt19937 random(4);
    check<BlockFormat::mxfp4>({1, 1, 64}, random);
    check<BlockFormat::nvfp4>({1, 1, 64}, random);
    check<BlockFormat::mxfp4>({129, 3, 96, true, false, true}, random);
    check<BlockFormat::nvfp4>({3, 130, 80, true, true, true}, random);
    check<BlockFormat::mxfp4>({70, 127, 704, false, true, false}, random);
    check<BlockFormat::nvfp4>({128, 128, 640, false, false, true}, random);
    check<BlockFormat::mxfp4>({5, 40, 320, false, false, false, 0, 24}, random);
}

TEST_CASE("W4A16 product on mma.sync: k in several splits") {
    std::mt19937 random(5);
    check<BlockFormat::mxfp4>({9, 20, 704, false, false, false, 4}, random);
    check<BlockFormat::nvfp4>({9, 20, 544, false, false, false, 8}, random);
}

TEST_CASE("W4A16 product on mma.sync: several weights side by side are each its own product") {
    std::mt19937 random(6);
    const size_t m = 20, k = 192, rows[] = {130, 16, 40}, panel_rows = 256;
    std::vector<uint8_t> panels(half_bytes(panel_rows, k));
    for (size_t i = 0; i < m * k; ++i) {
        const uint16_t code = encode_f16(static_cast<float>(static_cast<int>(random() % 64) - 32));
        std::memcpy(panels.data() + half_offset(panel_rows, i / k, i % k), &code, 2);
    }
    std::vector<PackedMatrix> packed;
    for (size_t n : rows) packed.push_back(pack_weights(random_matrix(BlockFormat::nvfp4, n, k, random)));
    const std::vector<W4Row> factors(130, {nvfp4_row_unit, 0});
    W4A16Arguments all;
    all.x = panels.data(), all.panel_rows = panel_rows, all.m = m, all.k = k, all.split_panels = 4;
    all.weight_count = 3;
    std::vector<std::vector<float>> together(3), alone(3);
    int row_blocks = 0;
    for (size_t i = 0; i < 3; ++i) {
        together[i].resize(m * rows[i]), alone[i].resize(m * rows[i]);
        W4A16Weights& weights = all.weights[i];
        weights.codes = packed[i].codes.data(), weights.scales = packed[i].scales.data();
        weights.rows = factors.data(), weights.n = static_cast<int>(rows[i]);
        weights.out = together[i].data(), weights.first_block = row_blocks;
        const int own_blocks = static_cast<int>(rows[i] + 127) / 128;
        row_blocks += own_blocks;
        W4A16Arguments one = all;
        one.weight_count = 1, one.weights[0] = weights;
        one.weights[0].out = alone[i].data(), one.weights[0].first_block = 0;
        lanes::launch({1, static_cast<unsigned>(own_blocks), 1}, W4A16MmaShape::threads,
                      W4A16MmaShape::shared_bytes, [&] { w4a16_mma_block<BlockFormat::nvfp4>(one); });
    }
    lanes::launch({1, static_cast<unsigned>(row_blocks), 1}, W4A16MmaShape::threads,
                  W4A16MmaShape::shared_bytes, [&] { w4a16_mma_block<BlockFormat::nvfp4>(all); });
    CHECK(together == alone);
    CHECK(alone[1] != std::vector<float>(m * rows[1]));
}
