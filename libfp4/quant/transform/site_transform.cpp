#include "libfp4/quant/transform/site_transform.h"

#include <algorithm>

#include "libfp4/quant/transform/block_multiply.h"
#include "libfp4/quant/transform/hadamard.h"

namespace fp4 {
namespace {

// One run of `block` channels, x <- x M. matrices: [1 or K / block, block, block].
void multiply_run(const SiteTransform& transform, const std::vector<double>& matrices, size_t run,
                  double* x) {
    if (transform.hadamard) {
        hadamard_transform(x, transform.block);
        return;
    }
    size_t size = size_t{transform.block} * transform.block;
    multiply_block(matrices.data() + (matrices.size() == size ? 0 : run * size), transform.block, x);
}

void multiply_runs(const SiteTransform& transform, const std::vector<double>& matrices, double* x) {
    if (transform.block == 0) return;
    for (size_t run = 0; run < transform.cols / transform.block; ++run) {
        multiply_run(transform, matrices, run, x + run * transform.block);
    }
}

// T^T G for the rows of one run of channels: every column is gathered, transformed and put back.
void transform_gram_rows(const SiteTransform& transform, size_t run, double* gram) {
    double column[max_transform_block];
    size_t cols = transform.cols;
    double* rows = gram + run * transform.block * cols;
    for (size_t c = 0; c < cols; ++c) {
        for (size_t i = 0; i < transform.block; ++i) column[i] = rows[i * cols + c];
        multiply_run(transform, transform.matrix, run, column);
        for (size_t i = 0; i < transform.block; ++i) rows[i * cols + c] = column[i];
    }
}

} // namespace

Result<void> check_transform_block(size_t cols, uint32_t block) {
    if (block != 16 && block != 32 && block != 64 && block != 128) {
        return error(Status::argument, "a transform of block ", block,
                     " is not possible: use 16, 32, 64 or 128");
    }
    if (cols == 0 || cols % block != 0) {
        return error(Status::argument, "a transform of block ", block, " does not fit an input of K = ", cols,
                     " channels: K must be a multiple of the block; use a smaller block or 'identity'");
    }
    return {};
}

void prepend_channel_scale(SiteTransform& transform, std::span<const double> scale) {
    if (scale.empty()) return;
    if (transform.channel_scale.empty()) transform.channel_scale.assign(transform.cols, 1.0);
    for (size_t j = 0; j < transform.cols; ++j) transform.channel_scale[j] *= scale[j];
}

void transform_input(const SiteTransform& transform, double* x) {
    for (size_t j = 0; j < transform.channel_scale.size(); ++j) x[j] *= transform.channel_scale[j];
    multiply_runs(transform, transform.matrix, x);
}

void transform_weight(const SiteTransform& transform, double* w) {
    for (size_t j = 0; j < transform.channel_scale.size(); ++j) w[j] /= transform.channel_scale[j];
    multiply_runs(transform, transform.weight_matrix, w);
}

void transform_weights(const SiteTransform& transform, float* weights, size_t rows, ThreadPool& pool) {
    if (transform.identity()) return;
    size_t cols = transform.cols;
    std::vector<double> scratch(cols * static_cast<size_t>(pool.threads()));
    pool.parallel_for(rows, [&](size_t row, size_t worker) {
        double* values = scratch.data() + worker * cols;
        float* target = weights + row * cols;
        std::copy_n(target, cols, values);
        transform_weight(transform, values);
        for (size_t j = 0; j < cols; ++j) target[j] = static_cast<float>(values[j]);
    });
}

void transform_gram(const SiteTransform& transform, std::vector<double>& gram, ThreadPool& pool) {
    size_t cols = transform.cols;
    const std::vector<double>& scale = transform.channel_scale;
    pool.parallel_for(cols, [&](size_t i) {
        double* row = gram.data() + i * cols;
        if (!scale.empty()) {
            for (size_t j = 0; j < cols; ++j) row[j] *= scale[i];
        }
        transform_input(transform, row);
    });
    if (transform.block == 0) return;
    pool.parallel_for(cols / transform.block,
                      [&](size_t run) { transform_gram_rows(transform, run, gram.data()); });
}

InputTransform input_transform(const SiteTransform& transform) {
    using Kind = InputTransform::Kind;
    InputTransform out;
    out.kind = transform.block == 0 ? Kind::identity : transform.hadamard ? Kind::hadamard : Kind::matrix;
    out.block = transform.block;
    out.channel_scale.assign(transform.channel_scale.begin(), transform.channel_scale.end());
    out.matrix.assign(transform.matrix.begin(), transform.matrix.end());
    return out;
}

} // namespace fp4
