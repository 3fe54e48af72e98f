#include "label_places.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fp4::program {
namespace {

constexpr double marker_radius = 6;

double overlap(const Box& a, const Box& b) {
    const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
    const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
    return width > 0 && height > 0 ? width * height : 0;
}

double total_overlap(const Box& box, const std::vector<Box>& taken) {
    double area = 0;
    for (const Box& other : taken) area += overlap(box, other);
    return area;
}

bool is_inside(const Box& box, const Box& bounds) {
    return box.left >= bounds.left && box.right <= bounds.right && box.top >= bounds.top &&
           box.bottom <= bounds.bottom;
}

/// Right of the marker first, then left, then up and down in steps of half a line; an overlap costs more than
/// any way.
Box best_place(const LabelWish& wish, const std::vector<Box>& taken, const Box& bounds) {
    constexpr double gaps[] = {9, 24, 60};
    const double step = wish.height / 2;
    Box best{wish.x + gaps[0], wish.y - step, wish.x + gaps[0] + wish.width, wish.y + step};
    double best_cost = 1e30;
    for (double up = 0; up <= bounds.bottom - bounds.top; up += step) {
        for (const double gap : gaps) {
            for (const bool right : {true, false}) {
                for (const double side : {-1.0, 1.0}) {
                    const double left = right ? wish.x + gap : wish.x - gap - wish.width;
                    const double middle = wish.y + side * up;
                    const Box box{left, middle - step, left + wish.width, middle + step};
                    const double cost = up + (gap - gaps[0]) / 2 + (right ? 0 : 3);
                    if (cost >= best_cost || !is_inside(box, bounds)) continue;
                    const double with_overlap = cost + 1000 * total_overlap(box, taken);
                    if (with_overlap >= best_cost) continue;
                    best_cost = with_overlap;
                    best = box;
                }
            }
        }
    }
    return best;
}

} // namespace

std::vector<Box> place_labels(const std::vector<LabelWish>& wishes, const Box& bounds) {
    std::vector<Box> taken;
    for (const LabelWish& wish : wishes) {
        taken.push_back(
            {wish.x - marker_radius, wish.y - marker_radius, wish.x + marker_radius, wish.y + marker_radius});
    }
    std::vector<size_t> order(wishes.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return wishes[a].y < wishes[b].y; });
    std::vector<Box> places(wishes.size());
    for (const size_t i : order) {
        places[i] = best_place(wishes[i], taken, bounds);
        taken.push_back(places[i]);
    }
    return places;
}

} // namespace fp4::program
