// The weights that rounding starts from: as they are, or fitted so that products with the rounded inputs come
// as near as possible to what the layer should give.
#pragma once

#include <memory>
#include <vector>

#include "libfp4/quant/calibration/collect.h"

namespace fp4 {

// Least squares over the calibration tokens, in the notation of SiteTargets: for each output channel
//   argmin over w* of  mean |u w* - (y w + r)|^2 + ridge |w* - w'|^2,
// w being the original weights and w' the transformed ones: (gram + ridge) w* = cross w + residual + ridge
// w'. One factorization serves all linears of a site.
class TargetFit {
  public:
    // damping: ridge as a share of the gram's mean diagonal. Fails when the gram is not finite or stays
    // singular.
    static Result<std::unique_ptr<TargetFit>> create(const SiteTargets& targets, size_t cols, double damping);
    ~TargetFit();

    // original: w [rows, K]. transformed: w' [rows, K] becomes w' + share (w* - w'): a share below 1 keeps
    // the weights from following the calibration text too closely.
    void move(const std::vector<float>& original, double share, size_t rows,
              std::vector<float>& transformed) const;

  private:
    struct Impl;
    explicit TargetFit(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace fp4
