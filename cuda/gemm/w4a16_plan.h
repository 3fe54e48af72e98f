// Which blocks a W4A16 product is cut into.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace fp4::cuda {

struct W4A16Plan {
    int tokens = 128;     // of a block
    int splits = 1;       // of k
    int split_panels = 0; // columns of a split / 64, a multiple of 4
};

// The kernels that there are.
enum class W4A16Kernel { mma, hopper, hopper_e4m3 };

// Estimated clocks (an H100's, measured): a block's products, all waves of blocks, and the pass that adds
// splits.
inline W4A16Plan plan_w4a16(size_t m, size_t n, size_t k, int processors, W4A16Kernel kernel,
                            size_t workspace_bytes) {
    struct Tile {
        int tokens;
        double clocks; // of a panel
    };
    constexpr Tile hopper_tiles[] = {{256, 1120}, {128, 800}, {64, 700}};
    constexpr Tile e4m3_tiles[] = {{256, 820}, {128, 600}, {64, 520}};
    constexpr Tile mma_tiles[] = {{128, 1750}};
    const std::span<const Tile> tiles = kernel == W4A16Kernel::hopper_e4m3 ? std::span<const Tile>(e4m3_tiles)
                                        : kernel == W4A16Kernel::hopper ? std::span<const Tile>(hopper_tiles)
                                                                        : mma_tiles;
    const size_t panels = (k + 63) / 64, row_blocks = (n + 127) / 128;
    W4A16Plan best;
    double least = 1e300;
    for (const Tile& tile : tiles) {
        const size_t token_blocks =
            (m + static_cast<size_t>(tile.tokens) - 1) / static_cast<size_t>(tile.tokens);
        for (int wanted = 1; wanted <= 8; ++wanted) {
            const size_t split_panels =
                (panels + static_cast<size_t>(wanted) * 4 - 1) / (static_cast<size_t>(wanted) * 4) * 4;
            const size_t splits = (panels + split_panels - 1) / split_panels;
            const size_t sum_bytes = splits * m * n * sizeof(float);
            if (splits > 1 && sum_bytes > workspace_bytes) continue;
            const size_t blocks = token_blocks * row_blocks * splits;
            const double waves = static_cast<double>((blocks + static_cast<size_t>(processors) - 1) /
                                                     static_cast<size_t>(processors));
            double clocks = waves * (5000 + static_cast<double>(split_panels) * tile.clocks);
            if (splits > 1) clocks += 6000 + 2.0 * static_cast<double>(sum_bytes) / (12.0 * processors);
            if (clocks < least) {
                least = clocks;
                best = {tile.tokens, static_cast<int>(splits), static_cast<int>(split_panels)};
            }
        }
    }
    return best;
}

} // namespace fp4::cuda
