// Error measures and random inputs of the op tests.
#pragma once

#include <cmath>
#include <random>
#include <vector>

namespace fp4::ops {

// sum (a - b)^2 / sum b^2; 0 for equal data, infinity when only one side is NaN somewhere.
inline double nmse(const std::vector<float>& a, const std::vector<float>& b) {
    double error = 0.0, power = 0.0;
    for (size_t i = 0; i < b.size(); ++i) {
        if (std::isnan(a[i]) && std::isnan(b[i])) continue;
        if (a[i] == b[i]) {
            power += std::isfinite(b[i]) ? double(b[i]) * b[i] : 0.0;
            continue;
        }
        if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return INFINITY;
        error += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
        power += double(b[i]) * b[i];
    }
    if (error == 0.0) return 0.0;
    return power == 0.0 ? INFINITY : error / power;
}

class Random {
  public:
    explicit Random(uint32_t seed) : engine_(seed) {}
    float uniform(float low, float high) {
        return low + (high - low) * static_cast<float>(engine_() * 0x1p-32);
    }
    float normal(float sigma = 1.0f) { return sigma * std::normal_distribution<float>()(engine_); }
    uint32_t below(uint32_t bound) { return static_cast<uint32_t>((uint64_t(engine_()) * bound) >> 32); }
    std::vector<float> normals(size_t count, float sigma = 1.0f) {
        std::vector<float> values(count);
        for (float& value : values) value = normal(sigma);
        return values;
    }

  private:
    std::mt19937 engine_;
};

} // namespace fp4::ops
