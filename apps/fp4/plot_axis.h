#pragma once

#include <string>
#include <vector>

namespace fp4::program {

struct Tick {
    double value;
    std::string label;
};

/// From values to pixels, with round ticks.
class Axis {
  public:
    /// The smallest value is shown at `first_pixel`, the largest at `last_pixel`. Logarithmic: all values >
    /// 0.
    Axis(std::vector<double> values, bool logarithmic, double first_pixel, double last_pixel);

    double pixel(double value) const;
    /// Those between the two pixels, which may lie outside of those of the values.
    std::vector<Tick> ticks(double from_pixel, double to_pixel) const;

  private:
    double place(double value) const; // where the axis is linear
    double value_at(double pixel) const;

    bool logarithmic_;
    double first_pixel_, last_pixel_;
    double first_ = 0, last_ = 1;
};

} // namespace fp4::program
