#include "libfp4/quant/target_weights.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace fp4 {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using FloatMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int max_attempts = 6;

} // namespace

struct TargetFit::Impl {
    Impl(const SiteTargets& site_targets, Eigen::Index site_cols)
        : targets(site_targets), cols(site_cols), factor(site_cols) {}
    const SiteTargets& targets;
    Eigen::Index cols;
    double ridge = 0;
    Eigen::LLT<Matrix> factor;
};

TargetFit::TargetFit(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TargetFit::~TargetFit() = default;

Result<std::unique_ptr<TargetFit>> TargetFit::create(const SiteTargets& targets, size_t cols,
                                                     double damping) {
    auto impl = std::make_unique<Impl>(targets, static_cast<Eigen::Index>(cols));
    const Eigen::Map<const Matrix> gram(targets.gram.data(), impl->cols, impl->cols);
    const double mean = gram.diagonal().mean();
    if (!std::isfinite(mean)) return error(Status::format, "the inputs of the layer are not finite");
    double share = std::max(damping, 1e-6);
    for (int attempt = 0; attempt < max_attempts; ++attempt, share *= 10) {
        // Inputs that are always zero leave the weights as they are.
        impl->ridge = mean > 0 ? share * mean : 1.0;
        Matrix damped = gram;
        damped.diagonal().array() += impl->ridge;
        impl->factor.compute(damped);
        if (impl->factor.info() == Eigen::Success)
            return std::unique_ptr<TargetFit>(new TargetFit(std::move(impl)));
    }
    return error(Status::format, "the statistics of the layer's inputs are not positive definite");
}

void TargetFit::move(const std::vector<float>& original, double share, size_t rows,
                     std::vector<float>& transformed) const {
    const Eigen::Index n = static_cast<Eigen::Index>(rows), k = impl_->cols;
    const Eigen::Map<const FloatMatrix> w(original.data(), n, k);
    const Eigen::Map<const Matrix> cross(impl_->targets.cross.data(), k, k);
    Eigen::Map<FloatMatrix> moved(transformed.data(), n, k);
    const Matrix start = moved.cast<double>().transpose();
    const Matrix fitted = impl_->factor.solve(cross * w.cast<double>().transpose() + impl_->ridge * start);
    moved = (start + share * (fitted - start)).transpose().cast<float>();
}

} // namespace fp4
