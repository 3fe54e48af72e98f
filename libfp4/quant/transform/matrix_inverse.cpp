#include "libfp4/quant/transform/matrix_inverse.h"

#include <algorithm>

#define EIGEN_MPL2_ONLY
#include <Eigen/LU>

namespace fp4 {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double smallest_reciprocal_condition = 1e-5;

} // namespace

bool invert_matrices(SiteTransform& transform) {
    const auto n = static_cast<Eigen::Index>(transform.block);
    const size_t size = size_t(transform.block) * transform.block;
    std::vector<double> inverse(transform.matrix.size());
    for (size_t at = 0; at < transform.matrix.size(); at += size) {
        const Eigen::PartialPivLU<Matrix> lu(Eigen::Map<const Matrix>(transform.matrix.data() + at, n, n));
        if (!(lu.rcond() > smallest_reciprocal_condition)) return false;
        Eigen::Map<Matrix>(inverse.data() + at, n, n) = lu.inverse().transpose();
    }
    transform.weight_matrix = std::move(inverse);
    return true;
}

bool round_matrices(SiteTransform& transform, BlockFormat format) {
    const size_t n = transform.block;
    SiteTransform rounded = transform;
    std::vector<float> row(n);
    std::vector<uint8_t> codes(row_code_bytes(format, n)), scales(row_scales(format, n));
    for (size_t at = 0; at < rounded.matrix.size(); at += n) {
        std::copy_n(rounded.matrix.begin() + static_cast<ptrdiff_t>(at), n, row.begin());
        quantize_row(format, ScaleRule::mse, 1.0f, row.data(), n, codes.data(), scales.data());
        dequantize_row(format, 1.0f, codes.data(), scales.data(), n, row.data());
        std::ranges::copy(row, rounded.matrix.begin() + static_cast<ptrdiff_t>(at));
    }
    if (!invert_matrices(rounded)) return false;
    rounded.storage = format;
    transform = std::move(rounded);
    return true;
}

} // namespace fp4
