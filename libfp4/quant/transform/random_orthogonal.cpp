#include "libfp4/quant/transform/random_orthogonal.h"

#define EIGEN_MPL2_ONLY
#include <Eigen/QR>

namespace fp4 {

std::vector<double> random_orthogonal(size_t n, RandomDraws& draws) {
    using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    auto size = static_cast<Eigen::Index>(n);
    Matrix gaussian(size, size);
    for (Eigen::Index i = 0; i < gaussian.size(); ++i) gaussian.data()[i] = draws.normal();
    Eigen::HouseholderQR<Matrix> qr(gaussian);
    std::vector<double> out(n * n);
    Eigen::Map<Matrix> q(out.data(), size, size);
    q.setIdentity();
    q.applyOnTheLeft(qr.householderQ());
    for (Eigen::Index j = 0; j < size; ++j) {
        if (qr.matrixQR()(j, j) < 0.0) q.col(j) = -q.col(j);
    }
    return out;
}

} // namespace fp4
