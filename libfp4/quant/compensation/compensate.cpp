#include "libfp4/quant/compensation/compensate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "libfp4/quant/compensation/column_plan.h"
#include "libfp4/quant/compensation/nvfp4_tensor_scale.h"
#include "libfp4/quant/compensation/refine.h"
#include "libfp4/quant/compensation/weight_tile.h"

namespace fp4 {
namespace {

Result<void> check_finite(const std::vector<float>& weights, size_t cols) {
    for (size_t i = 0; i < weights.size(); ++i)
        if (!std::isfinite(weights[i]))
            return error(Status::argument, "weight [", i / cols, ", ", i % cols, "] is ",
                         std::isnan(weights[i]) ? "NaN" : "infinite", ": the matrix cannot be rounded");
    return {};
}

Result<void> check_gram(const std::vector<double>& gram, size_t cols, bool needed) {
    if (gram.empty() && !needed) return {};
    if (gram.size() / cols != cols || gram.size() % cols != 0)
        return error(Status::argument, "gram: ", gram.size(), " values for ", cols, " columns");
    for (size_t i = 0; i < gram.size(); ++i)
        if (!std::isfinite(gram[i]))
            return error(Status::argument, "gram [", i / cols, ", ", i % cols,
                         "] is NaN or infinite: the calibration inputs of this layer are not finite");
    return {};
}

Result<size_t> check_shapes(const std::vector<float>& weights, size_t rows, const HessianFactor* factor) {
    if (rows == 0 || weights.empty() || weights.size() % rows != 0)
        return error(Status::argument, "compensate: ", weights.size(), " weights are not ", rows, " rows");
    const size_t cols = weights.size() / rows;
    if (factor &&
        (factor->cols != cols || factor->order.size() != cols || factor->upper.size() / cols != cols))
        return error(Status::argument, "compensate: the Hessian factor is for ", factor->cols,
                     " columns, the weights have ", cols);
    return cols;
}

// Diagonal of the gram in shares of its mean; empty when it says nothing.
std::vector<float> diagonal_importance(const std::vector<double>& gram, size_t cols) {
    double sum = 0;
    for (size_t k = 0; k < cols; ++k) sum += gram[k * cols + k];
    if (!(sum > 0)) return {};
    std::vector<float> importance(cols);
    for (size_t k = 0; k < cols; ++k)
        importance[k] = static_cast<float>(gram[k * cols + k] / (sum / static_cast<double>(cols)));
    return importance;
}

// The state of one matrix that all tiles share.
struct Matrix {
    size_t rows, cols;
    const HessianFactor* factor;
    const std::vector<double>& gram;
    const CompensationOptions& options;
    ColumnPlan plan;
    std::vector<float> importance; // [K] by column (fixed) or by step (in the loop); or empty
    std::vector<float> hessian;    // [K, K] for the descent
    float tensor_scale;
};

class TileCompensation {
  public:
    TileCompensation(const Matrix& matrix)
        : matrix_(matrix),
          tile_(matrix.options.format, matrix.tensor_scale, matrix.cols),
          weights_(matrix.cols * tile_rows),
          errors_(matrix.cols * tile_rows) {}

    // False when the compensated weights left the range of float32.
    bool run(const float* weights, size_t rows) {
        tile_.load(weights, rows);
        const std::vector<uint32_t>& columns = matrix_.plan.columns;
        for (size_t i = 0; i < matrix_.cols; ++i)
            std::copy_n(&tile_.original[columns[i] * tile_rows], tile_rows, &weights_[i * tile_rows]);
        if (matrix_.options.scale_time == ScaleTime::fixed) choose_fixed_scales();
        const float* upper = matrix_.factor ? matrix_.factor->upper.data() : nullptr;
        size_t first = 0;
        for (const size_t last : matrix_.plan.block_ends) {
            round_steps(upper, first, last);
            if (upper)
                subtract_products(upper, matrix_.cols, errors_.data(), first, last, last, matrix_.cols,
                                  weights_.data());
            first = last;
        }
        return std::all_of(errors_.begin(), errors_.end(), [](float e) { return std::isfinite(e); });
    }

    WeightTile& tile() { return tile_; }

    // tr(dW H dW^T) and tr(W H W^T) of the tile.
    void measure(double& error, double& power) {
        tile_.difference(difference_);
        error = trace(difference_);
        difference_.assign(tile_.original.begin(), tile_.original.end());
        power = trace(difference_);
    }

  private:
    void round_steps(const float* upper, size_t first, size_t last) {
        const ColumnPlan& plan = matrix_.plan;
        size_t start = first;
        while (start < last) {
            size_t end = last;
            if (matrix_.options.scale_time == ScaleTime::in_loop) {
                end = plan.run_end(start);
                choose_scales(plan.block_of[start], &weights_[start * tile_rows], end - start,
                              matrix_.importance.empty() ? nullptr : &matrix_.importance[start]);
            }
            compensate_columns(tile_.grid(), upper, matrix_.cols, plan.block_of.data(), plan.columns.data(),
                               start, end, last, weights_.data(), errors_.data(), tile_.elements.data());
            start = end;
        }
    }

    void choose_fixed_scales() {
        const size_t block = block_size(matrix_.options.format);
        for (size_t b = 0; b < tile_.blocks(); ++b)
            choose_scales(b, &tile_.original[b * block * tile_rows], tile_.block_columns(b),
                          matrix_.importance.empty() ? nullptr : &matrix_.importance[b * block]);
    }

    // values: [count][32]; importance: [count] or null.
    void choose_scales(size_t block, const float* values, size_t count, const float* importance) {
        const CompensationOptions& options = matrix_.options;
        std::array<float, 32> row{}, weights{};
        if (importance) std::copy_n(importance, count, weights.begin());
        for (size_t r = 0; r < tile_rows; ++r) {
            for (size_t i = 0; i < count; ++i) row[i] = values[i * tile_rows + r];
            const uint8_t code =
                method_block_scale(options.method, options.format, options.rule, matrix_.tensor_scale,
                                   row.data(), importance ? weights.data() : nullptr);
            tile_.set_scale(block, r, code, row_amax(row.data(), count) == 0);
        }
    }

    double trace(const std::vector<double>& difference) const {
        double sum = 0;
        if (matrix_.gram.empty()) {
            for (double d : difference) sum += d * d;
            return sum;
        }
        std::array<double, tile_rows> of_row;
        quadratic_form(matrix_.gram.data(), matrix_.cols, difference.data(), of_row.data());
        for (double row : of_row) sum += row;
        return sum;
    }

    const Matrix& matrix_;
    WeightTile tile_;
    std::vector<float> weights_, errors_; // [K][32] by step
    std::vector<double> difference_;
};

// Columns that never get input carry no information and would only widen their blocks' scales.
void clear_dead_columns(std::vector<float>& weights, size_t cols, const HessianFactor& factor,
                        const std::vector<double>& gram) {
    if (factor.dead_columns == 0 || factor.dead_columns == cols) return;
    for (size_t k = 0; k < cols; ++k)
        if (gram[k * cols + k] == 0)
            for (size_t i = k; i < weights.size(); i += cols) weights[i] = 0;
}

// 1 / U_jj^2 by step, in shares of its mean: by how much an error at that step raises the total.
std::vector<float> step_importance(const HessianFactor& factor) {
    std::vector<double> exact(factor.cols);
    double sum = 0;
    for (size_t j = 0; j < factor.cols; ++j) {
        const double pivot = factor.upper[j * factor.cols + j];
        exact[j] = 1 / (pivot * pivot);
        sum += exact[j];
    }
    std::vector<float> importance(factor.cols);
    for (size_t j = 0; j < factor.cols; ++j)
        importance[j] = static_cast<float>(exact[j] / (sum / static_cast<double>(factor.cols)));
    return importance;
}

Result<float> choose_tensor_scale(const std::vector<float>& weights, size_t rows, size_t cols,
                                  const std::vector<float>& importance, const CompensationOptions& options,
                                  ThreadPool& pool) {
    if (options.tensor_scale) {
        const float given = *options.tensor_scale;
        if (!(given > 0) || !std::isfinite(given))
            return error(Status::argument, "the given tensor scale ", given, " is not positive and finite");
        return given;
    }
    if (options.method == ScaleMethod::alternating)
        return fit_nvfp4_tensor_scale(weights, rows, cols, importance, pool).tensor_scale;
    return method_tensor_scale(options.method, options.format, options.rule,
                               row_amax(weights.data(), weights.size()));
}

} // namespace

Result<CompensatedMatrix> compensate(std::vector<float>& weights, size_t rows, const HessianFactor* factor,
                                     const std::vector<double>& gram, const CompensationOptions& options,
                                     ThreadPool& pool) {
    FP4_ASSIGN(const size_t cols, check_shapes(weights, rows, factor));
    FP4_TRY(check_scale_method(options.method, options.format, options.rule));
    FP4_TRY(check_gram(gram, cols, factor || options.weigh_by_hessian || options.refine_sweeps > 0));
    FP4_TRY(check_finite(weights, cols));
    FP4_ASSIGN(ColumnPlan plan, plan_columns(factor, cols, block_size(options.format), options.column_block,
                                             options.scale_time == ScaleTime::in_loop));
    if (factor) clear_dead_columns(weights, cols, *factor, gram);
    std::vector<float> importance;
    if (options.weigh_by_hessian) importance = diagonal_importance(gram, cols);
    FP4_ASSIGN(const float tensor_scale, choose_tensor_scale(weights, rows, cols, importance, options, pool));
    if (options.weigh_by_hessian && factor && options.scale_time == ScaleTime::in_loop)
        importance = step_importance(*factor);
    Matrix matrix{rows, cols,        factor, gram, options, std::move(plan), std::move(importance),
                  {},   tensor_scale};
    if (options.refine_sweeps > 0) matrix.hessian.assign(gram.begin(), gram.end());

    CompensatedMatrix result;
    const size_t code_bytes = row_code_bytes(options.format, cols);
    const size_t scale_bytes = row_scales(options.format, cols);
    result.tensor_scale = tensor_scale;
    result.codes.resize(rows * code_bytes);
    result.scales.resize(rows * scale_bytes);
    result.values.resize(rows * cols);

    struct TileAccount {
        double error = 0, power = 0;
        uint32_t refined = 0;
        bool finite = true;
    };
    std::vector<TileAccount> accounts((rows + tile_rows - 1) / tile_rows);
    std::vector<std::unique_ptr<TileCompensation>> workers;
    for (int i = 0; i < pool.threads(); ++i) workers.push_back(std::make_unique<TileCompensation>(matrix));
    pool.parallel_for(accounts.size(), [&](size_t t, size_t worker) {
        TileCompensation& work = *workers[worker];
        TileAccount& account = accounts[t];
        const size_t row = t * tile_rows;
        account.finite = work.run(weights.data() + row * cols, std::min(tile_rows, rows - row));
        if (!account.finite) return;
        if (options.refine_sweeps > 0)
            account.refined = refine_tile(work.tile(), matrix.hessian, gram, options.refine_sweeps);
        work.measure(account.error, account.power);
        work.tile().encode(&result.codes[row * code_bytes], &result.scales[row * scale_bytes],
                           &result.values[row * cols]);
    });
    for (size_t t = 0; t < accounts.size(); ++t) {
        if (!accounts[t].finite)
            return error(Status::argument, "error compensation left the range of float32 in rows from ",
                         t * tile_rows, " on: use more damping than ", factor ? factor->damping : 0.0);
        result.error += accounts[t].error;
        result.reference_power += accounts[t].power;
        result.refined_rows += accounts[t].refined;
    }
    return result;
}

} // namespace fp4
