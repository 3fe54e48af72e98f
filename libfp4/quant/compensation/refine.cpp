#include "libfp4/quant/compensation/refine.h"

#include <algorithm>
#include <array>

#include "libfp4/format/scale_rule.h"

namespace fp4 {
namespace {

constexpr size_t panel = 128; // columns whose moves reach the rest of the gradient together
constexpr uint32_t passes = 2;
constexpr std::array<int, 3> scale_steps = {0, 1, -1};

using BlockArray = std::array<float, 32 * tile_rows>;

// One trial of a block: its scales moved by a step, its codes descended.
struct Trial {
    BlockArray values, gradient, elements;
    std::array<float, tile_rows> inverse, scale, gain;
    std::array<uint8_t, tile_rows> codes;
};

class TileDescent {
  public:
    TileDescent(WeightTile& tile, const std::vector<float>& hessian)
        : tile_(tile),
          hessian_(hessian),
          cols_(tile.cols()),
          block_(block_size(tile.format())),
          values_(cols_ * tile_rows),
          gradient_(cols_ * tile_rows),
          moves_(cols_ * tile_rows) {
        for (size_t k = 0; k < cols_; ++k)
            for (size_t r = 0; r < tile_rows; ++r) {
                const size_t at = k * tile_rows + r;
                values_[at] = tile.value(k, r);
                moves_[at] = values_[at] - tile.original[at]; // g = H (w - q) = -H (q - w)
            }
        for (size_t first = 0; first < cols_; first += panel)
            subtract(first, std::min(first + panel, cols_), 0, cols_);
    }

    void sweep() {
        for (size_t first = 0; first < cols_; first += panel) {
            const size_t last = std::min(first + panel, cols_);
            for (size_t start = first; start < last; start += block_) {
                const size_t end = std::min(start + block_, last);
                descend(start / block_);
                subtract(start, end, first, start);
                subtract(start, end, end, last);
            }
            subtract(first, last, 0, first);
            subtract(first, last, last, cols_);
        }
    }

  private:
    void subtract(size_t j0, size_t j1, size_t k0, size_t k1) {
        subtract_products(hessian_.data(), cols_, moves_.data(), j0, j1, k0, k1, gradient_.data());
    }

    uint8_t step_code(size_t at, int step) const {
        const bool nvfp4 = tile_.format() == BlockFormat::nvfp4;
        const int lowest = nvfp4 ? 1 : 0;
        const int highest = nvfp4 ? 0x7E : mx_scale_code(max_scale_exponent(tile_.format()));
        const int code = tile_.scale_codes[at];
        // A block of zeros stays one: its error cannot be told from that of the others' rounding.
        if (tile_.inverse[at] == 0 || code + step < lowest || code + step > highest)
            return static_cast<uint8_t>(code);
        return static_cast<uint8_t>(code + step);
    }

    void attempt(size_t block, int step, Trial& trial) {
        const size_t first = block * block_ * tile_rows, lanes = block * tile_rows;
        const size_t count = tile_.block_columns(block) * tile_rows;
        const TileGrid own = tile_.grid(block);
        for (size_t r = 0; r < tile_rows; ++r) {
            trial.codes[r] = step_code(lanes + r, step);
            trial.scale[r] = block_scale_value(tile_.format(), trial.codes[r]);
            trial.inverse[r] = tile_.scaled_inverse(trial.codes[r], own.inverse[r] == 0);
        }
        std::copy_n(values_.data() + first, count, trial.values.data());
        std::copy_n(gradient_.data() + first, count, trial.gradient.data());
        const size_t column = block * block_;
        const BlockDescent problem{hessian_.data() + column * cols_ + column, cols_,
                                   tile_.block_columns(block), passes};
        const TileGrid grid{own.element, own.tensor_scale, trial.inverse.data(), trial.scale.data()};
        descend_block(problem, grid, trial.values.data(), trial.gradient.data(), trial.elements.data(),
                      trial.gain.data());
    }

    // Each row takes its best trial; moves_ holds what that changed.
    void descend(size_t block) {
        std::array<float, tile_rows> best_gain{};
        std::array<int, tile_rows> best;
        best.fill(-1);
        for (size_t t = 0; t < scale_steps.size(); ++t) {
            attempt(block, scale_steps[t], trials_[t]);
            for (size_t r = 0; r < tile_rows; ++r)
                if (trials_[t].gain[r] > best_gain[r]) {
                    best_gain[r] = trials_[t].gain[r];
                    best[r] = static_cast<int>(t);
                }
        }
        const size_t first = block * block_;
        for (size_t i = 0; i < tile_.block_columns(block); ++i)
            for (size_t r = 0; r < tile_rows; ++r) {
                const size_t at = (first + i) * tile_rows + r, within = i * tile_rows + r;
                moves_[at] = 0;
                if (best[r] < 0) continue;
                const Trial& trial = trials_[static_cast<size_t>(best[r])];
                moves_[at] = trial.values[within] - values_[at];
                values_[at] = trial.values[within];
                gradient_[at] = trial.gradient[within];
                tile_.elements[at] = trial.elements[within];
            }
        for (size_t r = 0; r < tile_rows; ++r)
            if (best[r] >= 0)
                tile_.set_scale(block, r, trials_[static_cast<size_t>(best[r])].codes[r],
                                tile_.grid(block).inverse[r] == 0);
    }

    WeightTile& tile_;
    const std::vector<float>& hessian_;
    size_t cols_, block_;
    std::vector<float> values_, gradient_, moves_;
    std::array<Trial, scale_steps.size()> trials_;
};

// Puts a row's codes and scales back.
void restore_row(const WeightTile& from, size_t row, WeightTile& to) {
    for (size_t k = 0; k < to.cols(); ++k)
        to.elements[k * tile_rows + row] = from.elements[k * tile_rows + row];
    for (size_t b = 0; b < to.blocks(); ++b)
        to.set_scale(b, row, from.scale_codes[b * tile_rows + row], from.inverse[b * tile_rows + row] == 0);
}

} // namespace

uint32_t refine_tile(WeightTile& tile, const std::vector<float>& hessian, const std::vector<double>& gram,
                     uint32_t sweeps) {
    const WeightTile before = tile;
    TileDescent descent(tile, hessian);
    for (uint32_t sweep = 0; sweep < sweeps; ++sweep) descent.sweep();
    std::array<double, tile_rows> error_before, error_after;
    std::vector<double> difference;
    before.difference(difference);
    quadratic_form(gram.data(), tile.cols(), difference.data(), error_before.data());
    tile.difference(difference);
    quadratic_form(gram.data(), tile.cols(), difference.data(), error_after.data());
    uint32_t improved = 0;
    for (size_t r = 0; r < tile.rows(); ++r) {
        const bool better = error_after[r] < error_before[r];
        improved += better;
        if (!better) restore_row(before, r, tile);
    }
    return improved;
}

} // namespace fp4
