// WUSH's matrices.
#include <doctest/doctest.h>

#include <cmath>

#include "libfp4/quant/transform/hadamard.h"
#include "libfp4/quant/transform/matrix_inverse.h"
#include "libfp4/quant/transform/wush.h"
#include "tests/unit/quant/transform_samples.h"

using namespace fp4;
using namespace fp4::test;

namespace {

struct Site {
    size_t cols;
    uint32_t block;
    size_t tokens;
    size_t rows;
    std::vector<double> x;    // [tokens, cols]
    std::vector<float> w;     // [rows, cols]
    std::vector<double> gram; // [cols, cols]
    BlockGrams weights;
};

Site finished(Site site) {
    site.gram =
        product(transposed(site.x, site.tokens, site.cols), site.x, site.cols, site.tokens, site.cols);
    for (double& value : site.gram) value /= static_cast<double>(site.tokens);
    // In two parts, as two weights of one site come.
    size_t first = site.rows / 3;
    REQUIRE(add_block_grams(site.w.data(), first, site.cols, site.block, site.weights, test_pool()).ok());
    REQUIRE(add_block_grams(site.w.data() + first * site.cols, site.rows - first, site.cols, site.block,
                            site.weights, test_pool())
                .ok());
    return site;
}

Site random_site(size_t cols, uint32_t block, size_t tokens, size_t rows) {
    Site site{cols, block, tokens, rows, normal_values(tokens * cols, 51), normal_floats(rows * cols, 52),
              {},   {}};
    for (size_t t = 0; t < tokens; ++t) {
        site.x[t * cols + 3] *= 25.0; // an outlier channel, and correlated neighbours
        for (size_t j = 1; j < cols; ++j) site.x[t * cols + j] += 0.3 * site.x[t * cols + j - 1];
    }
    return finished(std::move(site));
}

SiteTransform solved(const Site& site, const WushOptions& options = {}) {
    return wush_transform(site.gram, site.cols, site.weights, options, test_pool()).value();
}

// The diagonal block at `start` of rows^T rows / count, rows: [count, cols].
std::vector<double> block_covariance(const std::vector<double>& rows, size_t count, size_t cols, size_t start,
                                     size_t block) {
    std::vector<double> out(block * block);
    for (size_t row = 0; row < count; ++row) {
        const double* values = rows.data() + row * cols + start;
        for (size_t i = 0; i < block; ++i) {
            for (size_t j = 0; j < block; ++j) out[i * block + j] += values[i] * values[j] / double(count);
        }
    }
    return out;
}

} // namespace

TEST_CASE("without damping, inputs and weights get the same covariance H s H") {
    for (uint32_t block : {16u, 32u}) {
        Site site = random_site(96, block, 400, 250);
        SiteTransform transform = solved(site, {.damping = 0.0, .spectrum_damping = 0.0});
        std::vector<double> x = site.x;
        std::vector<double> w(site.w.begin(), site.w.end());
        for (size_t t = 0; t < site.tokens; ++t) transform_input(transform, x.data() + t * site.cols);
        for (size_t r = 0; r < site.rows; ++r) transform_weight(transform, w.data() + r * site.cols);
        for (size_t start = 0; start < site.cols; start += block) {
            std::vector<double> inputs = block_covariance(x, site.tokens, site.cols, start, block);
            std::vector<double> weights = block_covariance(w, site.rows, site.cols, start, block);
            double scale = largest_difference(inputs, std::vector<double>(inputs.size()));
            CHECK(largest_difference(inputs, weights) < 2e-6 * scale); // the matrix is rounded to float32
            // H C H is diagonal, so C's own diagonal is constant: all channels are equally large.
            for (size_t i = 0; i < block; ++i) {
                CHECK(inputs[i * block + i] == doctest::Approx(inputs[0]).epsilon(1e-5));
            }
            for (size_t i = 0; i < block; ++i) hadamard_transform(inputs.data() + i * block, block);
            for (size_t j = 0; j < block; ++j) hadamard_transform(inputs.data() + j, block, block);
            for (size_t i = 0; i < block; ++i) {
                for (size_t j = 0; j < block; ++j) {
                    if (i != j) CHECK(std::abs(inputs[i * block + j]) < 1e-5 * scale);
                }
                if (i > 0) CHECK(inputs[i * block + i] <= inputs[(i - 1) * block + i - 1] * (1 + 1e-6));
            }
        }
    }
}

TEST_CASE("the transformed layer equals the original") {
    struct Size {
        size_t cols;
        uint32_t block;
    };
    for (Size size : {Size{64, 16}, Size{576, 32}, Size{1408, 32}, Size{1408, 128}}) {
        CAPTURE(size.cols);
        CAPTURE(size.block);
        Site site = random_site(size.cols, size.block, 60, 40);
        SiteTransform transform = solved(site);
        CHECK(transform.matrix.size() == size.cols * size.block);
        CHECK(output_difference(transform, 53) < 1e-10);
        // What the engine multiplies with is exactly what the weights are inverse to.
        for (double value : transform.matrix)
            REQUIRE(value == static_cast<double>(static_cast<float>(value)));
    }
}

TEST_CASE("the matrix has the values that numpy's Cholesky and SVD give") {
    const JsonValue& golden = *transform_golden().find("wush16");
    std::vector<double> x = golden_matrix(*golden.find("x"));
    std::vector<double> w = golden_matrix(*golden.find("w"));
    Site site = finished({16, 16, x.size() / 16, w.size() / 16, x, {w.begin(), w.end()}, {}, {}});
    std::vector<double> expected = golden_matrix(*golden.find("matrix"));
    double scale = largest_difference(expected, std::vector<double>(expected.size()));
    CHECK(largest_difference(solved(site).matrix, expected) < 1e-6 * scale);
}

TEST_CASE("dead channels, dead blocks and few samples are handled by damping") {
    Site site = random_site(96, 32, 10, 5); // fewer tokens and rows than channels
    for (size_t t = 0; t < site.tokens; ++t) {
        for (size_t j : {2, 5, 40}) site.x[t * site.cols + j] = 0.0;
        for (size_t j = 64; j < 96; ++j) site.x[t * site.cols + j] = 0.0; // a block without inputs
    }
    for (size_t r = 0; r < site.rows; ++r) {
        for (size_t j = 32; j < 64; ++j) site.w[r * site.cols + j] = 0.0f; // a block without weights
    }
    site.weights = {};
    site = finished(std::move(site));
    SiteTransform transform = solved(site);
    for (double value : transform.matrix) REQUIRE(std::isfinite(value));
    for (double value : transform.weight_matrix) REQUIRE(std::isfinite(value));
    CHECK(output_difference(transform, 54) < 1e-10);
    CHECK(output_difference(solved({96, 32, 0, 0, {}, {}, std::vector<double>(96 * 96), site.weights}), 55) <
          1e-10);
}

TEST_CASE("statistics without a decomposition are refused") {
    Site site = random_site(64, 32, 100, 40);
    auto message = [](const Site& bad, const WushOptions& options = {}) {
        auto result = wush_transform(bad.gram, bad.cols, bad.weights, options, test_pool());
        REQUIRE(!result.ok());
        return result.error().message;
    };
    Site bad = site;
    bad.gram[40 * 64 + 40] = NAN;
    CHECK(message(bad).find("channels 32 to 63") != std::string::npos);
    bad = site;
    bad.gram[3 * 64 + 5] = bad.gram[5 * 64 + 3] = 1e9; // not positive definite
    CHECK(message(bad).find("channels 0 to 31") != std::string::npos);
    bad = site;
    bad.weights.grams[1] = INFINITY;
    CHECK(message(bad).find("channels 0 to 31") != std::string::npos);
    bad = site;
    bad.gram.pop_back();
    message(bad);

    BlockGrams sums;
    auto refused = add_block_grams(site.w.data(), 1, 64, 128, sums, test_pool());
    CHECK(refused.error().message.find("block 128") != std::string::npos);
    CHECK(refused.error().message.find("K = 64") != std::string::npos);
    CHECK(!add_block_grams(site.w.data(), 1, 32, 32, site.weights, test_pool()).ok());
}

TEST_CASE("matrices rounded for storage keep the product, and rounding them again changes nothing") {
    for (uint32_t block : {16u, 32u, 128u}) {
        const Site site = random_site(256, block, 600, 40);
        const SiteTransform exact = solved(site);
        for (BlockFormat format : {BlockFormat::mxfp4, BlockFormat::mxfp6_e2m3, BlockFormat::mxfp8_e4m3}) {
            CAPTURE(block);
            CAPTURE(block_format_name(format));
            SiteTransform rounded = exact;
            REQUIRE(round_matrices(rounded, format));
            CHECK(rounded.storage == format);
            CHECK(rounded.matrix != exact.matrix);
            CHECK(output_difference(rounded, 55) < 1e-10);
            SiteTransform again = rounded;
            REQUIRE(round_matrices(again, format));
            CHECK(again.matrix == rounded.matrix);
        }
    }
}

TEST_CASE("a matrix that rounding makes singular stays as it was") {
    SiteTransform transform;
    transform.cols = 16;
    transform.block = 16;
    transform.matrix.assign(16 * 16, 0.0);
    for (size_t i = 0; i < 16; ++i) transform.matrix[i * 16 + i] = 1.0;
    transform.matrix[1] = 0.999; // rows 0 and 1: (1, 0.999, ...) and (1, 1, ...)
    transform.matrix[16] = 1.0;
    REQUIRE(invert_matrices(transform));
    const SiteTransform before = transform;
    CHECK(!round_matrices(transform, BlockFormat::mxfp4));
    CHECK(transform.matrix == before.matrix);
    CHECK(transform.weight_matrix == before.weight_matrix);
    CHECK(!transform.storage);
}
