// DuQuant++'s greedy rotation.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "libfp4/quant/transform/duquant.h"
#include "tests/unit/quant/transform_samples.h"

using namespace fp4;
using namespace fp4::test;

namespace {

// Ordinary values with outliers of 30 to 60 times their size in a few channels.
SiteStatistics outlier_statistics(size_t cols, size_t rows) {
    SiteStatistics out;
    out.cols = cols;
    out.sample_rows = rows;
    out.sample = normal_floats(rows * cols, 41);
    for (size_t row = 0; row < rows; ++row) {
        out.sample[row * cols + 7] *= 40.0f;
        out.sample[row * cols + cols / 2 + 3] *= 30.0f;
        out.sample[row * cols + cols - 1] *= 60.0f;
    }
    return out;
}

double sample_range(const SiteStatistics& statistics, const SiteTransform& transform) {
    double low = INFINITY, high = -INFINITY;
    for (size_t row = 0; row < statistics.sample_rows; ++row) {
        const float* first = statistics.sample.data() + row * statistics.cols;
        std::vector<double> x(first, first + statistics.cols);
        transform_input(transform, x.data());
        low = std::min(low, *std::min_element(x.begin(), x.end()));
        high = std::max(high, *std::max_element(x.begin(), x.end()));
    }
    return high - low;
}

} // namespace

TEST_CASE("the base rotation is orthogonal and spreads the first channel evenly") {
    for (size_t n : {16u, 32u, 64u, 128u}) {
        std::vector<double> base = duquant_base_rotation(n);
        CHECK(orthogonality_error(base, n) < 1e-13);
        for (size_t j = 0; j < n; ++j) CHECK(base[j] == doctest::Approx(1.0 / std::sqrt(n)).epsilon(1e-13));
    }
    std::vector<double> base = duquant_base_rotation(32);
    double largest = 0.0;
    for (double value : base) largest = std::max(largest, std::abs(value));
    CHECK(largest == doctest::Approx(0.98).epsilon(0.01)); // the other rows stay concentrated
    std::vector<double> expected = golden_matrix(*transform_golden().find("duquant_base16"));
    CHECK(largest_difference(duquant_base_rotation(16), expected) < 1e-14);
}

TEST_CASE("the search reduces the peak of outliers and keeps the layer's output") {
    struct Size {
        size_t cols;
        uint32_t block;
    };
    for (Size size : {Size{64, 32}, Size{576, 32}, Size{1408, 32}, Size{1408, 128}, Size{576, 16}}) {
        CAPTURE(size.cols);
        CAPTURE(size.block);
        SiteStatistics statistics = outlier_statistics(size.cols, 12);
        DuquantOptions options{.block = size.block, .steps = 48, .seed = 3};
        DuquantRotation found = duquant_rotation(statistics, {}, options, test_pool()).value();
        REQUIRE(found.peaks.size() == 49);
        REQUIRE(found.steps > 0);
        REQUIRE(found.transform.matrix.size() == size.block * size.block);
        CHECK(found.peaks[found.steps] == *std::min_element(found.peaks.begin(), found.peaks.end()));
        CHECK(found.peaks[found.steps] < 0.6 * found.peaks[0]);
        // The product of the kept steps does to the sample what the search saw.
        CHECK(sample_range(statistics, found.transform) ==
              doctest::Approx(found.peaks[found.steps]).epsilon(1e-4));
        CHECK(orthogonality_error(found.transform.matrix, size.block) < 1e-12);
        CHECK(output_difference(found.transform, 42) < 1e-10);
    }
}

TEST_CASE("the search sees smoothed inputs, and the scale comes first") {
    SiteStatistics statistics = outlier_statistics(64, 12);
    std::vector<double> scale(64, 1.0);
    scale[7] = 1.0 / 40.0;
    scale[35] = 1.0 / 30.0;
    scale[63] = 1.0 / 60.0;
    DuquantRotation found = duquant_rotation(statistics, scale, {.steps = 32}, test_pool()).value();
    SiteTransform smoothing{.cols = 64, .channel_scale = scale};
    CHECK(found.peaks[0] == doctest::Approx(sample_range(statistics, smoothing)).epsilon(1e-5));
    CHECK(found.transform.channel_scale == scale);
    CHECK(sample_range(statistics, found.transform) ==
          doctest::Approx(found.peaks[found.steps]).epsilon(1e-4));
    CHECK(output_difference(found.transform, 43) < 1e-10);
}

TEST_CASE("no step is kept where none helps") {
    SiteStatistics statistics;
    statistics.cols = 32;
    statistics.sample_rows = 1;
    statistics.sample.assign(32, 1.0f); // a range of zero
    DuquantRotation found = duquant_rotation(statistics, {}, {.steps = 8}, test_pool()).value();
    CHECK(found.steps == 0);
    CHECK(found.transform.identity());
    statistics.sample.assign(32, 0.0f);
    CHECK(duquant_rotation(statistics, {}, {.steps = 8}, test_pool()).value().transform.identity());
}

TEST_CASE("the result depends on the seed and not on the threads") {
    SiteStatistics statistics = outlier_statistics(576, 40);
    auto alone = ThreadPool::create(1, ThreadPriority::normal).value();
    auto matrix = [&](uint64_t seed, ThreadPool& pool) {
        return duquant_rotation(statistics, {}, {.steps = 16, .seed = seed}, pool).value().transform.matrix;
    };
    CHECK(matrix(1, test_pool()) == matrix(1, *alone));
    CHECK(matrix(1, *alone) != matrix(2, *alone));
}

TEST_CASE("inputs that cannot be searched are refused") {
    SiteStatistics statistics = outlier_statistics(576, 2);
    auto refused = duquant_rotation(statistics, {}, {.block = 128}, test_pool());
    REQUIRE(!refused.ok());
    CHECK(refused.error().message.find("K = 576") != std::string::npos);
    statistics.sample[5] = NAN;
    CHECK(duquant_rotation(statistics, {}, {}, test_pool()).error().status == Status::corrupt);
    statistics.sample.clear();
    CHECK(!duquant_rotation(statistics, {}, {}, test_pool()).ok());
}
