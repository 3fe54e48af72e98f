// What calibration learns about the inputs of one site (the plain inputs, before any transform or rounding).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fp4 {

struct SiteStatistics {
    size_t cols = 0; // K
    uint64_t tokens = 0;
    std::vector<double>
        gram; // [K, K]: mean over tokens of x^T x, where x is what the quantized model computes
    std::vector<double> cross;    // [K, K]: mean of y^T x, y being the unquantized model's input; or empty
    std::vector<float> amax;      // [K]: largest |x_j|
    std::vector<double> mean_abs; // [K]: mean |x_j|
    std::vector<float> sample;    // [sample_rows, K]: evenly spaced tokens
    size_t sample_rows = 0;
};

} // namespace fp4
