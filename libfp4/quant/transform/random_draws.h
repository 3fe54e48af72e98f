// Random numbers that are the same with every compiler and standard library (std::normal_distribution is
// not): a seed is part of a recipe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace fp4 {

class RandomDraws {
  public:
    explicit RandomDraws(uint64_t seed) : engine_(seed) {}

    double sign() { return engine_() >> 63 ? -1.0 : 1.0; }
    double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; } // [0, 1)
    double normal();                                                            // N(0, 1)
    std::vector<size_t> permutation(size_t n);

  private:
    std::mt19937_64 engine_;
};

} // namespace fp4
