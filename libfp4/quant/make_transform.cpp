#include "libfp4/quant/make_transform.h"

#include <algorithm>

#include "libfp4/quant/compensation/compensate.h"
#include "libfp4/quant/transform/channel_scales.h"
#include "libfp4/quant/transform/duquant.h"
#include "libfp4/quant/transform/matrix_inverse.h"
#include "libfp4/quant/transform/wush.h"

namespace fp4 {
namespace {

uint32_t fitting_block(size_t cols, uint32_t wanted) {
    for (uint32_t block = wanted; block >= 16; block /= 2)
        if (cols % block == 0) return block;
    return 0;
}

// DuQuant++ looks at q_proj and up_proj only.
bool counts_for_duquant(Role role) {
    return role != Role::k && role != Role::v && role != Role::gate;
}

Result<std::vector<double>> smoothing_scale(const TransformRecipe& recipe, BlockFormat format,
                                            const SiteStatistics& statistics,
                                            std::span<const SourceLinear> linears, ThreadPool& pool) {
    if (recipe.smoothing == Smoothing::awq) {
        std::vector<SiteWeight> weights;
        for (const SourceLinear& linear : linears) weights.push_back({linear.values->data(), linear.rows});
        auto round = [&](size_t, float* values, size_t rows) -> Result<void> {
            std::vector<float> copy(values, values + rows * statistics.cols);
            FP4_ASSIGN(CompensatedMatrix rounded,
                       compensate(copy, rows, nullptr, {}, CompensationOptions{.format = format}, pool));
            std::ranges::copy(rounded.values, values);
            return {};
        };
        FP4_ASSIGN(AwqScale scale, awq_scale(statistics, weights, round, pool));
        return std::move(scale.channel_scale);
    }
    const bool duquant = recipe.kind == TransformKind::duquant;
    std::vector<float> amax(statistics.cols);
    for (const SourceLinear& linear : linears) {
        if (!duquant || counts_for_duquant(linear.role))
            raise_column_amax({linear.values->data(), linear.rows}, amax);
    }
    SmoothOptions options = duquant ? duquant_smoothing : SmoothOptions{};
    options.alpha = recipe.alpha;
    return smooth_scale(statistics.amax, amax, options);
}

Result<SiteTransform> exact_transform(const TransformRecipe& recipe, BlockFormat format,
                                      const SiteStatistics* statistics, std::span<const SourceLinear> linears,
                                      ThreadPool& pool, std::vector<std::string>& notes) {
    const size_t cols = linears.front().cols;
    const bool has_matrix = recipe.kind != TransformKind::identity;
    const uint32_t block = has_matrix ? fitting_block(cols, recipe.block) : 0;
    if (has_matrix && block != recipe.block) {
        notes.push_back(concat(transform_name(recipe.kind), " of ", recipe.block,
                               " channels does not divide ", cols, ": ",
                               block != 0 ? concat(block, " instead") : std::string("left out")));
    }
    std::vector<double> scale;
    if (recipe.smoothing != Smoothing::none) {
        FP4_ASSIGN(scale, smoothing_scale(recipe, format, *statistics, linears, pool));
    }
    SiteTransform transform;
    transform.cols = cols;
    if (block == 0) {
        transform.channel_scale = std::move(scale);
        return transform;
    }
    if (recipe.kind == TransformKind::duquant) {
        FP4_ASSIGN(DuquantRotation found,
                   duquant_rotation(*statistics, std::move(scale), {block, recipe.steps, recipe.seed}, pool));
        return std::move(found.transform);
    }
    if (recipe.kind == TransformKind::wush) {
        BlockGrams grams;
        for (const SourceLinear& linear : linears)
            FP4_TRY(add_block_grams(linear.values->data(), linear.rows, cols, block, grams, pool));
        return wush_transform(statistics->gram, cols, grams, {}, pool);
    }
    FP4_ASSIGN(transform, block_transform(recipe.kind, cols, block, recipe.seed));
    if (!scale.empty()) prepend_channel_scale(transform, scale);
    return transform;
}

} // namespace

bool needs_statistics(const TransformRecipe& recipe) {
    return needs_statistics(recipe.kind) || recipe.smoothing != Smoothing::none;
}

Result<SiteTransform> make_transform(const TransformRecipe& recipe, BlockFormat format,
                                     const SiteStatistics* statistics, std::span<const SourceLinear> linears,
                                     ThreadPool& pool, std::vector<std::string>& notes) {
    FP4_ASSIGN(SiteTransform transform, exact_transform(recipe, format, statistics, linears, pool, notes));
    if (!recipe.storage || transform.matrix.empty()) return transform;
    if (!round_matrices(transform, *recipe.storage)) {
        notes.push_back(concat(transform_name(recipe.kind), " cannot be inverted when it is rounded to ",
                               block_format_name(*recipe.storage), ": stored as float32"));
    }
    return transform;
}

} // namespace fp4
