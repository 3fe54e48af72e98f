// DuQuant++'s outlier-aware rotation: one orthogonal matrix, found greedily, for all blocks of a site.
#pragma once

#include <cstdint>
#include <span>

#include "libfp4/quant/site_statistics.h"
#include "libfp4/quant/transform/site_transform.h"

namespace fp4 {

struct DuquantOptions {
    uint32_t block = 32;
    size_t steps = 256;
    uint64_t seed = 0;
};

// Rb: Givens rotations in the planes (i, i + 1) that spread the first channel evenly: row 0 is 1 / sqrt(n).
// [n, n] row-major, orthogonal (DuQuant, arXiv 2406.01721, section 3.2; as in its code).
std::vector<double> duquant_base_rotation(size_t n);

struct DuquantRotation {
    SiteTransform transform;
    std::vector<double> peaks; // largest minus smallest value before each step and after the last
    size_t steps = 0;          // how many were kept: the first with the smallest peak
};

// Greedy search (DuQuant++, arXiv 2604.17789; DuQuant, algorithm 1): every step rotates the channel of the
// largest |value| evenly into its block; the prefix of steps with the smallest range wins. Searched on
// `sample` of the statistics times channel_scale ([K] or empty), which becomes the transform's. The channel
// is the outlier's, as in the paper; the published code takes the index of its row instead.
Result<DuquantRotation> duquant_rotation(const SiteStatistics& statistics, std::vector<double> channel_scale,
                                         const DuquantOptions& options, ThreadPool& pool);

} // namespace fp4
