// Transforms that need no data: fixed and random block matrices.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "libfp4/quant/transform/site_transform.h"

namespace fp4 {

enum class TransformKind : uint8_t {
    identity,
    hadamard,        // Sylvester's order: MR-GPTQ (arXiv 2509.23202, section 4)
    dct,             // DCT-II, orthonormal
    dst,             // DST-II, orthonormal
    gsr,             // Walsh matrix in sequency order: GSR (arXiv 2505.03810)
    random_hadamard, // random signs of all channels, then Hadamard: QuIP# (arXiv 2402.04396), section 3
    fast_food,       // Fastfood (Le, Sarlos, Smola, ICML 2013), as FP-Quant draws it; not orthogonal
    duquant,         // duquant.h
    wush,            // wush.h
};

// "identity", "hadamard", "dct", "dst", "gsr", "random-hadamard", "fast-food", "duquant++", "wush".
std::string_view transform_name(TransformKind kind);
std::optional<TransformKind> parse_transform(std::string_view name);
bool needs_statistics(TransformKind kind); // duquant and wush: block_transform() refuses them

// The transform of an input of `cols` channels. `block` is ignored by identity, `seed` by all that are not
// random.
Result<SiteTransform> block_transform(TransformKind kind, size_t cols, uint32_t block, uint64_t seed);

} // namespace fp4
