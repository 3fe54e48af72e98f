#include "plot_axis.h"

#include <algorithm>
#include <cmath>

#include "human.h"

namespace fp4::program {
namespace {

/// The step of 1, 2 or 5 times a power of ten that makes at most `most` steps of the range.
double round_step(double range, double most) {
    const double power = std::pow(10, std::floor(std::log10(range / most)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (range / (factor * power) <= most) return factor * power;
    }
    return 10 * power;
}

Tick make_tick(double value) {
    return {value, format_text("%.4g", value)};
}

} // namespace

Axis::Axis(std::vector<double> values, bool logarithmic, double first_pixel, double last_pixel)
    : logarithmic_(logarithmic), first_pixel_(first_pixel), last_pixel_(last_pixel) {
    if (values.empty()) values.push_back(1);
    const auto [low, high] = std::ranges::minmax_element(values);
    first_ = place(*low);
    last_ = place(*high);
    // A single value stands in the middle.
    const double least = logarithmic ? 0.1 : 0.5;
    const double missing = std::max(0.0, least - (last_ - first_));
    first_ -= missing / 2;
    last_ += missing / 2;
}

double Axis::place(double value) const {
    return logarithmic_ ? std::log10(value) : value;
}

double Axis::pixel(double value) const {
    return first_pixel_ + (place(value) - first_) / (last_ - first_) * (last_pixel_ - first_pixel_);
}

double Axis::value_at(double pixel) const {
    const double at = first_ + (pixel - first_pixel_) / (last_pixel_ - first_pixel_) * (last_ - first_);
    return logarithmic_ ? std::pow(10, at) : at;
}

std::vector<Tick> Axis::ticks(double from_pixel, double to_pixel) const {
    double low = value_at(from_pixel), high = value_at(to_pixel);
    if (low > high) std::swap(low, high);
    std::vector<Tick> ticks;
    constexpr double few = 8, wide = 8; // from this ratio on 1, 2, 5 of every power of ten
    if (logarithmic_ && high / low >= wide) {
        for (double power = std::pow(10, std::floor(std::log10(low))); power <= high; power *= 10) {
            for (const double factor : {1.0, 2.0, 5.0}) {
                const double value = factor * power;
                if (value >= low && value <= high) ticks.push_back(make_tick(value));
            }
        }
        return ticks;
    }
    const double step = round_step(high - low, few);
    for (double i = std::ceil(low / step); i * step <= high; ++i) ticks.push_back(make_tick(i * step));
    return ticks;
}

} // namespace fp4::program
