#include "libfp4/quant/choose_formats.h"

#include <algorithm>
#include <filesystem>

#include "libfp4/quant/calibration/collect.h"
#include "libfp4/quant/make_transform.h"
#include "libfp4/quant/original_walk.h"
#include "libfp4/quant/output_error.h"

namespace fp4 {
namespace {

constexpr size_t sample_rows = 512;

bool has_own_rule(const Recipe& recipe, const SourceTensor& tensor) {
    return std::ranges::any_of(
        recipe.tensors, [&](const KeepRule& rule) { return matches_pattern(rule.pattern, tensor.name); });
}

// Inputs as wide as the weights, as the site will run.
std::optional<ActivationFormat> activation_with(const ActivationRecipe& recipe, BlockFormat weights) {
    if (recipe.kind == ActivationFormat::Kind::a16) return std::nullopt;
    if (element_bits(weights) > 4)
        return ActivationFormat{ActivationFormat::Kind::mxfp8_e4m3, ScaleRule::ceil};
    return ActivationFormat{recipe.kind, recipe.rule};
}

} // namespace

Result<std::vector<size_t>> spend_bits(const std::vector<SiteCosts>& sites, double bits_per_weight) {
    std::vector<size_t> choice;
    double bits = 0, budget = 0;
    for (const SiteCosts& site : sites) {
        const auto fewest = std::ranges::min_element(site.formats, {}, [](const FormatCost& cost) {
            return std::pair(fp4::bits_per_weight(cost.format), cost.error);
        });
        choice.push_back(static_cast<size_t>(fewest - site.formats.begin()));
        bits += static_cast<double>(site.weights) * fp4::bits_per_weight(fewest->format);
        budget += static_cast<double>(site.weights) * bits_per_weight;
    }
    if (bits > budget * (1 + 1e-9)) {
        return error(Status::argument, "choice.bits_per_weight: ", bits_per_weight,
                     " is less than the formats need; they begin at ",
                     bits / std::max(budget, 1.0) * bits_per_weight);
    }
    for (;;) {
        double best_rate = 0, best_bits = 0;
        size_t best_site = sites.size(), best_format = 0;
        for (size_t i = 0; i < sites.size(); ++i) {
            const FormatCost& now = sites[i].formats[choice[i]];
            for (size_t f = 0; f < sites[i].formats.size(); ++f) {
                const FormatCost& next = sites[i].formats[f];
                const double more = static_cast<double>(sites[i].weights) *
                                    (fp4::bits_per_weight(next.format) - fp4::bits_per_weight(now.format));
                const double gain = now.error - next.error;
                if (!(more > 0) || !(gain > 0) || bits + more > budget * (1 + 1e-9)) continue;
                if (gain / more <= best_rate) continue;
                best_rate = gain / more;
                best_bits = more;
                best_site = i;
                best_format = f;
            }
        }
        if (best_site == sites.size()) return choice;
        choice[best_site] = best_format;
        bits += best_bits;
    }
}

Result<std::vector<KeepRule>> choose_formats(const LayeredRequest& request, JobControl& job) {
    const Recipe& recipe = request.recipe;
    FP4_ASSIGN(auto pool, ThreadPool::create(request.threads, ThreadPriority::normal));
    // The work folder is not there yet.
    const std::string folder = std::filesystem::path(request.work_folder).parent_path().string();
    FP4_ASSIGN(auto original, OriginalWalk::create(request.source, *request.backend, *request.calibration,
                                                   folder, request.threads));
    std::vector<SiteCosts> costs;
    std::vector<std::vector<std::string>> names; // of each entry's tensors
    const uint32_t layers = request.source.config.layers;
    for (uint32_t layer = 0; layer < layers; ++layer) {
        auto progress = [&](size_t) -> Result<void> {
            job.report("choosing formats", concat("layer ", layer + 1, " of ", layers), layer, layers);
            return job.check();
        };
        FP4_ASSIGN(auto linears, read_linears(request.source, layer));
        FP4_TRY(original->enter(layer, linears));
        for (std::span<const SourceLinear> site : sites_of(linears)) {
            const Site place = site_of(site.front().role);
            if (place == Site::gate_up) FP4_TRY(original->walk().finish_attention(progress));
            FP4_ASSIGN(SiteStatistics statistics,
                       collect_statistics(original->walk(), *request.backend, place, sample_rows, progress));
            std::vector<SourceLinear> open;
            for (const SourceLinear& linear : site)
                if (!has_own_rule(recipe, *linear.tensor)) open.push_back(linear);
            if (open.empty()) continue;
            std::optional<SiteTransform> learned;
            if (request.learned) {
                FP4_ASSIGN(learned, request.learned->read(layer, place));
            }
            SiteCosts cost;
            std::vector<std::string> tensors;
            for (const SourceLinear& linear : open) {
                cost.weights += linear.rows * linear.cols;
                tensors.push_back(linear.tensor->name);
            }
            for (BlockFormat format : recipe.choice.formats) {
                std::vector<std::string> notes;
                SiteTransform transform;
                if (learned) {
                    transform = *learned;
                } else {
                    FP4_ASSIGN(transform, make_transform(recipe.transform(place), format, &statistics, open,
                                                         *pool, notes));
                }
                const SiteCandidate candidate{std::move(transform), format,
                                              activation_with(recipe.activations, format)};
                FP4_ASSIGN(const double error, output_error(candidate, open, statistics, -1, *pool));
                cost.formats.push_back({format, error});
            }
            costs.push_back(std::move(cost));
            names.push_back(std::move(tensors));
        }
        FP4_TRY(original->walk().finish_layer(progress));
    }
    FP4_ASSIGN(std::vector<size_t> choice, spend_bits(costs, recipe.choice.bits_per_weight));
    std::vector<KeepRule> rules;
    for (size_t i = 0; i < costs.size(); ++i) {
        for (const std::string& name : names[i]) {
            FP4_ASSIGN(KeepRule rule, parse_keep_rule(concat(
                                          name, "=", block_format_name(costs[i].formats[choice[i]].format))));
            rules.push_back(std::move(rule));
        }
    }
    return rules;
}

} // namespace fp4
