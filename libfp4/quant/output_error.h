// How far a quantized site's outputs are from the original ones, measured on sample inputs: what choices
// between transforms and formats are made by.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "libfp4/format/linear_input.h"
#include "libfp4/quant/compensation/compensate.h"
#include "libfp4/quant/layer_source.h"
#include "libfp4/quant/site_statistics.h"
#include "libfp4/quant/transform/site_transform.h"

namespace fp4 {

struct SiteCandidate {
    SiteTransform transform;
    BlockFormat format = BlockFormat::mxfp4;
    std::optional<ActivationFormat> activation; // none: inputs are not rounded
};

// sum |y - y'|^2 / sum |y|^2 over the sample and all linears of the site: y = x W^T, y' with transformed and
// rounded inputs and weights. damping: of the error compensation that is applied; < 0: plain rounding.
Result<double> output_error(const SiteCandidate& candidate, std::span<const SourceLinear> linears,
                            const SiteStatistics& statistics, double damping, ThreadPool& pool);

} // namespace fp4
