#include "libfp4/quant/transform/layer_error.h"

#include <algorithm>
#include <numeric>

namespace fp4 {
namespace {

constexpr size_t tile = 16; // rows that share one pass over G

// columns: [K, tile], the transposed rows of D, zero where there are less than `tile`.
double tile_error(const double* columns, size_t cols, const double* gram) {
    double total = 0.0;
    for (size_t i = 0; i < cols; ++i) {
        double sums[tile] = {};
        for (size_t j = 0; j < i; ++j) {
            double g = gram[i * cols + j];
            for (size_t r = 0; r < tile; ++r) sums[r] += g * columns[j * tile + r];
        }
        double diagonal = gram[i * cols + i];
        for (size_t r = 0; r < tile; ++r) {
            double value = columns[i * tile + r];
            total += value * (2.0 * sums[r] + diagonal * value);
        }
    }
    return total;
}

} // namespace

double layer_error(const float* difference, size_t rows, size_t cols, const std::vector<double>& gram,
                   ThreadPool& pool) {
    size_t tiles = (rows + tile - 1) / tile;
    std::vector<double> errors(tiles);
    std::vector<double> scratch(cols * tile * static_cast<size_t>(pool.threads()));
    pool.parallel_for(tiles, [&](size_t index, size_t worker) {
        double* columns = scratch.data() + worker * cols * tile;
        std::fill_n(columns, cols * tile, 0.0);
        size_t first = index * tile;
        for (size_t r = 0; r < std::min(tile, rows - first); ++r) {
            for (size_t j = 0; j < cols; ++j) columns[j * tile + r] = difference[(first + r) * cols + j];
        }
        errors[index] = tile_error(columns, cols, gram.data());
    });
    return std::accumulate(errors.begin(), errors.end(), 0.0);
}

} // namespace fp4
