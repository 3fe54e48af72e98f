#include "libfp4/quant/transform/global_rotation.h"

#include <algorithm>

#include "libfp4/quant/transform/hadamard.h"
#include "libfp4/quant/transform/random_orthogonal.h"

namespace fp4 {
namespace {

constexpr size_t max_factor = 512;

// x <- x O for one run of m values.
void multiply_factor(const std::vector<double>& factor, size_t m, double* x) {
    double sums[max_factor];
    std::fill_n(sums, m, 0.0);
    for (size_t i = 0; i < m; ++i) {
        for (size_t j = 0; j < m; ++j) sums[j] += x[i] * factor[i * m + j];
    }
    std::copy_n(sums, m, x);
}

} // namespace

Result<GlobalRotation> make_rotation(size_t size, RotationSigns signs, uint64_t seed) {
    if (size == 0) return error(Status::argument, "a rotation needs at least one channel");
    GlobalRotation out;
    out.size = size;
    out.factor_size = size / (size & (~size + 1)); // without its powers of two
    if (out.factor_size > max_factor) {
        return error(Status::unsupported, "a rotation of ", size, " channels needs a dense factor of ",
                     out.factor_size, "; at most ", max_factor, " are possible: use block transforms");
    }
    RandomDraws draws(seed);
    if (signs == RotationSigns::random) {
        out.signs.resize(size);
        for (double& sign : out.signs) sign = draws.sign();
    }
    if (out.factor_size > 1) out.factor = random_orthogonal(out.factor_size, draws);
    return out;
}

void rotate(const GlobalRotation& rotation, double* x) {
    size_t m = rotation.factor_size;
    for (size_t j = 0; j < rotation.signs.size(); ++j) x[j] *= rotation.signs[j];
    for (size_t b = 0; b < m; ++b) hadamard_transform(x + b, rotation.size / m, m);
    if (m == 1) return;
    for (size_t start = 0; start < rotation.size; start += m) multiply_factor(rotation.factor, m, x + start);
}

void rotate_input_side(const GlobalRotation& rotation, float* weights, size_t rows, size_t cols,
                       std::span<const float> gain, ThreadPool& pool) {
    std::vector<double> scratch(cols * static_cast<size_t>(pool.threads()));
    pool.parallel_for(rows, [&](size_t row, size_t worker) {
        double* values = scratch.data() + worker * cols;
        float* target = weights + row * cols;
        std::copy_n(target, cols, values);
        for (size_t j = 0; j < gain.size(); ++j) values[j] *= double{gain[j]};
        for (size_t start = 0; start < cols; start += rotation.size) rotate(rotation, values + start);
        for (size_t j = 0; j < cols; ++j) target[j] = static_cast<float>(values[j]);
    });
}

// Column by column: (Q^T W)^T = W^T Q.
void rotate_output_side(const GlobalRotation& rotation, float* weights, size_t rows, size_t cols,
                        ThreadPool& pool) {
    std::vector<double> scratch(rows * static_cast<size_t>(pool.threads()));
    pool.parallel_for(cols, [&](size_t col, size_t worker) {
        double* values = scratch.data() + worker * rows;
        for (size_t i = 0; i < rows; ++i) values[i] = double{weights[i * cols + col]};
        for (size_t start = 0; start < rows; start += rotation.size) rotate(rotation, values + start);
        for (size_t i = 0; i < rows; ++i) weights[i * cols + col] = static_cast<float>(values[i]);
    });
}

Result<void> check_rotatable(const ResidualStream& stream) {
    const char* reason = nullptr;
    if (!stream.rms_norm) reason = "its norms subtract a mean";
    if (stream.post_norms) reason = "norms follow its linears";
    if (stream.output_biases) reason = "its output linears have biases";
    if (stream.head_is_embedding)
        reason = "its head and embedding are one tensor; give the head its own copy";
    if (!reason) return {};
    return error(Status::unsupported, "the model cannot take a merged global rotation: ", reason,
                 "; use a block transform such as 'hadamard'");
}

} // namespace fp4
