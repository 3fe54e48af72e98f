#include "libfp4/quant/compensation/factor.h"

#include <Eigen/Dense>
#include <cmath>
#include <limits>

#include "libfp4/quant/compensation/column_order.h"

namespace fp4 {
namespace {

using Matrix = Eigen::MatrixXd;
using View = Eigen::Ref<Matrix, 0, Eigen::OuterStride<>>;

constexpr double first_damping = 1e-6; // the first retry when none was asked for
constexpr double damping_growth = 10;
constexpr double damping_limit = 100;
// A pivot below this share of its diagonal is rounding noise of a singular matrix.
constexpr double smallest_pivot = 1e-11;

Result<void> check_gram(const std::vector<double>& gram, size_t cols) {
    if (cols == 0 || cols > std::numeric_limits<uint32_t>::max() || gram.size() / cols != cols ||
        gram.size() % cols != 0)
        return error(Status::argument, "gram: ", gram.size(), " values are not a square of ", cols,
                     " columns");
    for (size_t i = 0; i < cols; ++i) {
        if (gram[i * cols + i] < 0)
            return error(Status::argument, "gram [", i, ", ", i, "] is negative (", gram[i * cols + i],
                         "): it is not a sum of outer products");
        for (size_t j = 0; j < cols; ++j)
            if (!std::isfinite(gram[i * cols + j]))
                return error(Status::argument, "gram [", i, ", ", j,
                             "] is NaN or infinite: the calibration inputs of this layer are not finite");
    }
    return {};
}

// H + added x I with rows and columns in reversed order, lower triangle: the Cholesky factor of the reversed
// matrix, reversed back, is the upper R with H = R R^T. Then H^-1 = U^T U with U = R^-1: one factorization.
void fill_reversed(const std::vector<double>& gram, const std::vector<uint32_t>& order, double added,
                   Matrix& reversed) {
    const size_t cols = order.size();
    for (size_t j = 0; j < cols; ++j) {
        const size_t column = order[cols - 1 - j];
        const bool dead = gram[column * cols + column] == 0;
        for (size_t i = j; i < cols; ++i) {
            const size_t row = order[cols - 1 - i];
            const bool live = !dead && gram[row * cols + row] != 0;
            // The lower triangle of the gram, whatever the order.
            reversed(i, j) = live ? gram[std::max(row, column) * cols + std::min(row, column)] : 0;
        }
        reversed(j, j) = dead ? 1.0 : reversed(j, j) + added;
    }
}

bool factor_lower(Matrix& matrix) {
    const Eigen::VectorXd diagonal = matrix.diagonal();
    Eigen::LLT<Eigen::Ref<Matrix>, Eigen::Lower> llt(matrix);
    if (llt.info() != Eigen::Success) return false;
    for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
        const double pivot = matrix(i, i) * matrix(i, i);
        if (!(pivot > smallest_pivot * diagonal(i))) return false;
    }
    return true;
}

// [A 0; B C]^-1 = [A^-1 0; -C^-1 B A^-1 C^-1], in place, by halves.
void invert_lower(View lower) {
    const Eigen::Index n = lower.rows();
    if (n <= 64) {
        Matrix inverse = Matrix::Identity(n, n);
        lower.triangularView<Eigen::Lower>().solveInPlace(inverse);
        lower.triangularView<Eigen::Lower>() = inverse;
        return;
    }
    const Eigen::Index half = n / 2;
    View a = lower.topLeftCorner(half, half);
    View b = lower.bottomLeftCorner(n - half, half);
    View c = lower.bottomRightCorner(n - half, n - half);
    b = -b;
    a.triangularView<Eigen::Lower>().solveInPlace<Eigen::OnTheRight>(b);
    c.triangularView<Eigen::Lower>().solveInPlace(b);
    invert_lower(a);
    invert_lower(c);
}

// False when an entry does not fit float32.
bool store_upper(const Matrix& inverse, std::vector<float>& upper) {
    const size_t cols = static_cast<size_t>(inverse.rows());
    upper.assign(cols * cols, 0.0f);
    bool finite = true;
    for (size_t i = 0; i < cols; ++i) {
        for (size_t j = i; j < cols; ++j) {
            const float value = static_cast<float>(inverse(cols - 1 - i, cols - 1 - j));
            upper[i * cols + j] = value;
            finite = finite && std::isfinite(value);
        }
        finite = finite && upper[i * cols + i] > 0 && std::isfinite(1.0f / upper[i * cols + i]);
    }
    return finite;
}

} // namespace

Result<HessianFactor> factor_hessian(const std::vector<double>& gram, size_t cols, Order order, size_t group,
                                     double damping) {
    FP4_TRY(check_gram(gram, cols));
    if (group == 0) return error(Status::argument, "factor_hessian: group must not be 0");
    if (!(damping >= 0 && damping <= damping_limit))
        return error(Status::argument, "damping ", damping, " is not between 0 and ", damping_limit,
                     " times the mean diagonal");
    std::vector<double> diagonal(cols);
    double sum = 0;
    HessianFactor factor;
    factor.cols = cols;
    for (size_t i = 0; i < cols; ++i) {
        diagonal[i] = gram[i * cols + i];
        sum += diagonal[i];
        factor.dead_columns += diagonal[i] == 0;
    }
    const size_t live = cols - factor.dead_columns;
    const double mean = live > 0 ? sum / static_cast<double>(live) : 0;
    factor.order = column_order(diagonal, order, group);
    Matrix matrix(cols, cols);
    for (factor.damping = damping;; ++factor.retries) {
        fill_reversed(gram, factor.order, factor.damping * mean, matrix);
        if (factor_lower(matrix)) {
            invert_lower(matrix);
            if (store_upper(matrix, factor.upper)) return factor;
        }
        const double next = factor.damping > 0 ? factor.damping * damping_growth : first_damping;
        if (next > damping_limit)
            return error(
                Status::argument, "the Hessian of ", cols, " columns is not positive definite even with ",
                factor.damping, " times its mean diagonal (", mean,
                ") added: the gram is not a sum of outer products, or its scale does not fit float32");
        factor.damping = next;
    }
}

} // namespace fp4
