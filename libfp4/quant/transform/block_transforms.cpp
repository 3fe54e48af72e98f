#include "libfp4/quant/transform/block_transforms.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include "libfp4/quant/transform/fast_food.h"
#include "libfp4/quant/transform/random_draws.h"

namespace fp4 {
namespace {

constexpr std::array<std::string_view, 9> names{"identity",        "hadamard",  "dct",       "dst", "gsr",
                                                "random-hadamard", "fast-food", "duquant++", "wush"};

// M[i][j] = c_j cos(pi (2i + 1) j / 2k), c_0 = sqrt(1 / k), else sqrt(2 / k).
double dct_entry(size_t i, size_t j, size_t k) {
    double norm = std::sqrt((j == 0 ? 1.0 : 2.0) / static_cast<double>(k));
    // Reduced to one turn in integers: cos and sin stay exact to the last bits for large arguments.
    auto turn = static_cast<double>((2 * i + 1) * j % (4 * k)) / static_cast<double>(2 * k);
    return norm * std::cos(std::numbers::pi * turn);
}

// M[i][j] = c_j sin(pi (2i + 1)(j + 1) / 2k), c_{k-1} = sqrt(1 / k), else sqrt(2 / k).
double dst_entry(size_t i, size_t j, size_t k) {
    double norm = std::sqrt((j == k - 1 ? 1.0 : 2.0) / static_cast<double>(k));
    auto turn = static_cast<double>((2 * i + 1) * (j + 1) % (4 * k)) / static_cast<double>(2 * k);
    return norm * std::sin(std::numbers::pi * turn);
}

// Column j of the sequency order changes its sign j times: it is Sylvester's column with the bits of j's Gray
// code reversed.
double gsr_entry(size_t i, size_t j, size_t k) {
    size_t gray = j ^ (j >> 1);
    size_t column = 0;
    for (size_t bit = 1; bit < k; bit *= 2) column = column * 2 + ((gray & bit) != 0 ? 1 : 0);
    double magnitude = 1.0 / std::sqrt(static_cast<double>(k));
    return std::popcount(i & column) % 2 == 0 ? magnitude : -magnitude;
}

template <class Entry>
void set_orthogonal(SiteTransform& out, Entry entry) {
    size_t k = out.block;
    out.matrix.resize(k * k);
    for (size_t i = 0; i < k; ++i) {
        for (size_t j = 0; j < k; ++j) out.matrix[i * k + j] = entry(i, j, k);
    }
    out.weight_matrix = out.matrix;
}

} // namespace

std::string_view transform_name(TransformKind kind) {
    return names[static_cast<size_t>(kind)];
}

std::optional<TransformKind> parse_transform(std::string_view name) {
    auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return std::nullopt;
    return static_cast<TransformKind>(found - names.begin());
}

bool needs_statistics(TransformKind kind) {
    return kind == TransformKind::duquant || kind == TransformKind::wush;
}

Result<SiteTransform> block_transform(TransformKind kind, size_t cols, uint32_t block, uint64_t seed) {
    SiteTransform out;
    out.cols = cols;
    if (kind == TransformKind::identity) return out;
    FP4_TRY(check_transform_block(cols, block));
    out.block = block;
    RandomDraws draws(seed);
    switch (kind) {
        case TransformKind::dct:
            set_orthogonal(out, dct_entry);
            break;
        case TransformKind::dst:
            set_orthogonal(out, dst_entry);
            break;
        case TransformKind::gsr:
            set_orthogonal(out, gsr_entry);
            break;
        case TransformKind::random_hadamard:
            // Signs are a channel scale, so that the engine keeps its butterfly.
            out.hadamard = true;
            out.channel_scale.resize(cols);
            for (double& sign : out.channel_scale) sign = draws.sign();
            break;
        case TransformKind::fast_food: {
            FastFood fast_food = draw_fast_food(block, draws);
            out.matrix = std::move(fast_food.matrix);
            out.weight_matrix = std::move(fast_food.inverse_transpose);
            break;
        }
        case TransformKind::hadamard:
            out.hadamard = true;
            break;
        case TransformKind::identity:
            break;
        case TransformKind::duquant:
        case TransformKind::wush:
            return error(Status::argument, "the transform '", transform_name(kind),
                         "' is computed from calibration statistics; it has no fixed matrix");
    }
    return out;
}

} // namespace fp4
