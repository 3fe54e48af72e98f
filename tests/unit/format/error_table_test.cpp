// The measured error of every scale rule on four distributions against recorded figures, within 2 %.
//
// What the figures stand for (found by reproducing them): values come in groups of 32; a group of the
// "x10 outlier" column is Gaussian with exactly one value multiplied by ten; "t4" is Student's t with four
// degrees of freedom. Each group is multiplied by 2^u, u uniform in [0, 1), so that its position between two
// powers of two is log-uniform. The error is the mean over groups of |x - decoded|^2 / |x|^2. For NVFP4 a
// group of 32 is a tensor of its own (two blocks under one tensor scale), and the sweep uses the tensor scale
// amax / (6 x 256).
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "libfp4/format/block_format.h"
#include "libfp4/format/element.h"

using namespace fp4;

namespace {

constexpr size_t group_size = 32;
constexpr size_t groups = 20000;

using Group = std::vector<float>;

std::vector<Group> draw(int column) {
    std::mt19937_64 random(1234 + static_cast<unsigned>(column));
    std::normal_distribution<double> normal;
    std::exponential_distribution<double> exponential;
    std::student_t_distribution<double> student(4.0);
    std::uniform_real_distribution<double> uniform;
    std::vector<Group> drawn(groups, Group(group_size));
    for (Group& group : drawn) {
        const double phase = std::exp2(uniform(random));
        for (float& value : group) {
            const double sample = column == 1   ? exponential(random) * (uniform(random) < 0.5 ? -1 : 1)
                                  : column == 2 ? student(random)
                                                : normal(random);
            value = static_cast<float>(sample * phase);
        }
        if (column == 3) group[random() % group_size] *= 10.0f;
    }
    return drawn;
}

const std::vector<Group>& samples(int column) {
    static const std::vector<std::vector<Group>> all = {draw(0), draw(1), draw(2), draw(3)};
    return all[static_cast<size_t>(column)];
}

double mean_error(int column, const std::function<void(const Group&, Group&)>& round_trip) {
    double sum = 0;
    Group decoded(group_size);
    for (const Group& group : samples(column)) {
        round_trip(group, decoded);
        double error = 0, power = 0;
        for (size_t i = 0; i < group_size; ++i) {
            error += std::pow(static_cast<double>(group[i]) - decoded[i], 2);
            power += static_cast<double>(group[i]) * group[i];
        }
        sum += error / power;
    }
    return sum / static_cast<double>(groups);
}

double codec_error(int column, BlockFormat format, ScaleRule rule) {
    return mean_error(column, [&](const Group& group, Group& decoded) {
        uint8_t codes[group_size], scales[2];
        const float tensor_scale = tensor_scale_for(format, rule, row_amax(group.data(), group_size));
        quantize_row(format, rule, tensor_scale, group.data(), group_size, codes, scales);
        dequantize_row(format, tensor_scale, codes, scales, group_size, decoded.data());
    });
}

struct TableRow {
    BlockFormat format;
    ScaleRule rule;
    std::vector<double> errors; // x 1e-3: Gauss, Laplace, t4, x10 outlier
};

} // namespace

TEST_CASE("recorded errors of the scale rules") {
    const std::vector<TableRow> table = {
        {BlockFormat::mxfp4, ScaleRule::floor, {13.36, 15.61, 15.82, 23.79}},
        {BlockFormat::mxfp4, ScaleRule::prescale34, {13.65, 17.02, 17.42, 28.61}},
        {BlockFormat::mxfp4, ScaleRule::ceil, {13.67, 17.00, 17.45, 28.65}},
        {BlockFormat::mxfp4, ScaleRule::even, {12.61, 14.95, 15.21, 23.49}},
        {BlockFormat::mxfp4, ScaleRule::uos, {12.52, 14.72, 14.95, 22.80}},
        {BlockFormat::mxfp4, ScaleRule::mse, {12.50, 14.68, 14.90, 22.59}},
        {BlockFormat::nvfp4, ScaleRule::amax, {8.93, 8.44, 8.32, 8.05}},
        {BlockFormat::nvfp4, ScaleRule::four_over_six, {7.45, 7.41, 7.32, 7.48}},
        {BlockFormat::nvfp4, ScaleRule::mse, {6.55, 6.69, 6.64, 7.13}},
        {BlockFormat::mxfp8_e4m3, ScaleRule::floor, {0.894, 0.983}},
        {BlockFormat::mxfp8_e4m3, ScaleRule::ceil, {0.702, 0.702}},
    };
    for (const TableRow& row : table)
        for (size_t column = 0; column < row.errors.size(); ++column) {
            CAPTURE(block_format_name(row.format));
            CAPTURE(scale_rule_name(row.rule));
            CAPTURE(column);
            const double measured = 1e3 * codec_error(static_cast<int>(column), row.format, row.rule);
            CHECK(measured == doctest::Approx(row.errors[column]).epsilon(0.02));
        }
}

TEST_CASE("the same samples with an unrestricted scale amax / 6: the recorded bound for block 32") {
    const std::vector<double> recorded = {10.22, 10.47, 10.36, 12.30};
    for (int column = 0; column < 4; ++column) {
        const double measured = 1e3 * mean_error(column, [](const Group& group, Group& decoded) {
                                    const float scale = row_amax(group.data(), group_size) / 6;
                                    for (size_t i = 0; i < group_size; ++i)
                                        decoded[i] = decode_e2m1(encode_e2m1(group[i] / scale)) * scale;
                                });
        CHECK(measured == doctest::Approx(recorded[static_cast<size_t>(column)]).epsilon(0.02));
    }
}
