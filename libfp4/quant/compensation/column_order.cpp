#include "libfp4/quant/compensation/column_order.h"

#include <algorithm>
#include <numeric>

namespace fp4 {
namespace {

// Mean of each group's diagonal, for each of its columns; the last group may be short.
std::vector<double> group_means(std::span<const double> diagonal, size_t group) {
    std::vector<double> means(diagonal.size());
    for (size_t first = 0; first < diagonal.size(); first += group) {
        const auto part = diagonal.subspan(first, std::min(group, diagonal.size() - first));
        const double mean = std::accumulate(part.begin(), part.end(), 0.0) / static_cast<double>(part.size());
        std::fill_n(means.begin() + static_cast<std::ptrdiff_t>(first), part.size(), mean);
    }
    return means;
}

} // namespace

std::vector<uint32_t> column_order(std::span<const double> diagonal, Order order, size_t group) {
    std::vector<uint32_t> columns(diagonal.size());
    std::iota(columns.begin(), columns.end(), 0u);
    if (order == Order::natural) return columns;
    const bool by_group = order == Order::group;
    const std::vector<double> keys =
        by_group ? group_means(diagonal, group) : std::vector<double>(diagonal.begin(), diagonal.end());
    // Groups with equal means must not interleave, so the group's number decides before the column's.
    std::stable_sort(columns.begin(), columns.end(), [&](uint32_t a, uint32_t b) {
        if (keys[a] != keys[b]) return keys[a] > keys[b];
        return by_group && a / group < b / group;
    });
    return columns;
}

} // namespace fp4
