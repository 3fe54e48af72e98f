// Which blocks a W4A16 product is cut into.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace fp4::cuda {

struct W4A16Plan {
    int tokens = 128;     // of a block
    int splits = 1;       // of k
    int split_panels = 0; // columns of a split / 64, a multiple of 4
};

// Estimated clocks (an H100's, measured): a block's products, all waves of blocks, and the pass that adds
// splits.
inline W4A16Plan plan_w4a16(size_t m, size_t n, size_t k, int processors, bool hopper,
                            size_t workspace_bytes) {
    struct Tile {
        int tokens;
        double clocks; // of a panel
    };
    constexpr Tile hopper_tiles[] = {{256, 1120}, {128, 800}, {64, 700}};
    constexpr Tile mma_tiles[] = {{128, 1750}};
    const Tile* begin = hopper ? hopper_tiles : mma_tiles;
    const Tile* end = hopper ? std::end(hopper_tiles) : std::end(mma_tiles);
    const size_t panels = (k + 63) / 64, row_blocks = (n + 127) / 128;
    W4A16Plan best;
    double least = 1e300;
    for (const Tile* tile = begin; tile != end; ++tile) {
        const size_t token_blocks =
            (m + static_cast<size_t>(tile->tokens) - 1) / static_cast<size_t>(tile->tokens);
        for (int wanted = 1; wanted <= 8; ++wanted) {
            const size_t split_panels =
                (panels + static_cast<size_t>(wanted) * 4 - 1) / (static_cast<size_t>(wanted) * 4) * 4;
            const size_t splits = (panels + split_panels - 1) / split_panels;
            const size_t sum_bytes = splits * m * n * sizeof(float);
            if (splits > 1 && sum_bytes > workspace_bytes) continue;
            const size_t blocks = token_blocks * row_blocks * splits;
            const double waves = static_cast<double>((blocks + static_cast<size_t>(processors) - 1) /
                                                     static_cast<size_t>(processors));
            double clocks = waves * (5000 + static_cast<double>(split_panels) * tile->clocks);
            if (splits > 1) clocks += 6000 + 2.0 * static_cast<double>(sum_bytes) / (12.0 * processors);
            if (clocks < least) {
                least = clocks;
                best = {tile->tokens, static_cast<int>(splits), static_cast<int>(split_panels)};
            }
        }
    }
    return best;
}

} // namespace fp4::cuda
