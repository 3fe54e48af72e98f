#include "libfp4/quant/transform/wush.h"

#include <atomic>
#include <cmath>
#include <new>

#include "libfp4/quant/transform/hadamard.h"

#define EIGEN_MPL2_ONLY
#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/LU>

namespace fp4 {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

struct BlockMatrices {
    double* input;  // M
    double* weight; // M^-T
};

// s, in the order of `squares` (eigenvalues, which rounding can make negative).
Vector damped_spectrum(const Vector& squares, double rows, double damping) {
    Vector s = (squares.cwiseMax(0.0) / rows).cwiseSqrt();
    double mean = s.mean();
    if (mean <= 0.0) return Vector::Ones(s.size());
    return s.array() + damping * mean;
}

// The sign of an eigenvector is free: its largest component becomes positive.
void fix_signs(Matrix& vectors) {
    for (Eigen::Index j = 0; j < vectors.cols(); ++j) {
        Eigen::Index largest = 0;
        vectors.col(j).cwiseAbs().maxCoeff(&largest);
        if (vectors(largest, j) < 0.0) vectors.col(j) *= -1.0;
    }
}

// False if the gram is not positive definite even with damping, or has values that are not finite.
bool solve_block(Matrix gram, const Eigen::Map<const Matrix>& weight_gram, double rows,
                 const WushOptions& options, BlockMatrices out) {
    Eigen::Index n = gram.rows();
    double mean = gram.diagonal().mean();
    if (!std::isfinite(mean) || !weight_gram.allFinite()) return false;
    if (mean > 0.0) {
        gram.diagonal().array() += options.damping * mean;
    } else {
        gram.setIdentity();
    }
    Eigen::LLT<Matrix, Eigen::Upper> cholesky(gram);
    if (cholesky.info() != Eigen::Success) return false;
    Matrix upper = cholesky.matrixU();
    Matrix spread = upper * weight_gram * upper.transpose();
    Eigen::SelfAdjointEigenSolver<Matrix> solver(spread);
    if (solver.info() != Eigen::Success) return false;

    // Eigen sorts ascending; singular values are descending.
    Matrix vectors = solver.eigenvectors().rowwise().reverse();
    fix_signs(vectors);
    Vector root = damped_spectrum(solver.eigenvalues().reverse(), rows, options.spectrum_damping).cwiseSqrt();
    Matrix input = upper.triangularView<Eigen::Upper>().solve(vectors) * root.asDiagonal(); // U^-1 V sqrt(s)
    for (Eigen::Index i = 0; i < n; ++i) hadamard_transform(input.row(i).data(), static_cast<size_t>(n));
    // The engine keeps the matrix in float32: the weights take the inverse of what it multiplies with.
    input = input.cast<float>().cast<double>();
    Matrix weight = input.transpose().partialPivLu().inverse();
    if (!input.allFinite() || !weight.allFinite()) return false;
    Eigen::Map<Matrix>(out.input, n, n) = input;
    Eigen::Map<Matrix>(out.weight, n, n) = weight;
    return true;
}

Matrix diagonal_block(const std::vector<double>& gram, size_t cols, size_t start, size_t block) {
    auto n = static_cast<Eigen::Index>(block);
    return Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>(
        gram.data() + start * cols + start, n, n, Eigen::OuterStride<>(static_cast<Eigen::Index>(cols)));
}

Result<void> check_arguments(const std::vector<double>& gram, size_t cols, const BlockGrams& weights) {
    FP4_TRY(check_transform_block(cols, weights.block));
    if (gram.size() != cols * cols || weights.grams.size() != cols * weights.block || weights.rows == 0) {
        return error(Status::argument, "wush needs the gram of all ", cols,
                     " input channels and the grams of ", "the weights' blocks");
    }
    return {};
}

} // namespace

Result<void> add_block_grams(const float* weights, size_t rows, size_t cols, uint32_t block, BlockGrams& sums,
                             ThreadPool& pool) {
    FP4_TRY(check_transform_block(cols, block));
    if (sums.grams.empty()) {
        sums.block = block;
        sums.grams.resize(cols * block);
    }
    if (sums.block != block || sums.grams.size() != cols * block) {
        return error(Status::argument, "the weights of one site differ in their number of columns");
    }
    sums.rows += rows;
    pool.parallel_for(cols / block, [&](size_t run) {
        double* gram = sums.grams.data() + run * block * block;
        for (size_t row = 0; row < rows; ++row) {
            const float* w = weights + row * cols + run * block;
            for (size_t i = 0; i < block; ++i) {
                for (size_t j = 0; j < block; ++j) gram[i * block + j] += double{w[i]} * double{w[j]};
            }
        }
    });
    return {};
}

Result<SiteTransform> wush_transform(const std::vector<double>& gram, size_t cols, const BlockGrams& weights,
                                     const WushOptions& options, ThreadPool& pool) {
    FP4_TRY(check_arguments(gram, cols, weights));
    size_t block = weights.block;
    size_t runs = cols / block;
    SiteTransform out;
    out.cols = cols;
    out.block = weights.block;
    out.matrix.resize(cols * block);
    out.weight_matrix.resize(cols * block);

    std::atomic<bool> out_of_memory = false;
    std::atomic<size_t> failed = runs;
    pool.parallel_for(runs, [&](size_t run) {
        try { // Eigen allocates
            auto n = static_cast<Eigen::Index>(block);
            size_t at = run * block * block;
            Eigen::Map<const Matrix> weight_gram(weights.grams.data() + at, n, n);
            BlockMatrices matrices{out.matrix.data() + at, out.weight_matrix.data() + at};
            if (!solve_block(diagonal_block(gram, cols, run * block, block), weight_gram,
                             static_cast<double>(weights.rows), options, matrices)) {
                failed = run;
            }
        } catch (const std::bad_alloc&) {
            out_of_memory = true;
        }
    });
    if (out_of_memory) throw std::bad_alloc();
    if (failed < runs) {
        return error(Status::corrupt, "wush: the statistics of channels ", failed * block, " to ",
                     (failed + 1) * block - 1, " have no decomposition even with damping ", options.damping,
                     "; check the weights for values that are not finite, or raise the damping");
    }
    return out;
}

} // namespace fp4
