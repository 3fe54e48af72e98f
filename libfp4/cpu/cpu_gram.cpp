// Calibration statistics: sums of outer products, as a float32 matrix product of transposed inputs.
#include <algorithm>

#include "libfp4/cpu/spread.h"

namespace fp4 {
namespace {

// x [n, cols] -> out [cols, stride], zero from n on. Blocks keep both sides in the first-level cache.
void transpose(const float* x, size_t n, size_t first, size_t last, size_t cols, size_t stride, float* out) {
    constexpr size_t block = 16;
    for (size_t t0 = 0; t0 < n; t0 += block) {
        size_t t1 = std::min(t0 + block, n);
        for (size_t c = first; c < last; ++c)
            for (size_t t = t0; t < t1; ++t) out[c * stride + t] = x[t * cols + c];
    }
    for (size_t c = first; c < last; ++c) std::fill(out + c * stride + n, out + (c + 1) * stride, 0.0f);
}

} // namespace

void CpuStream::run_read_input(const Activation& input, size_t n, float* values) {
    const auto& from = static_cast<const CpuActivation&>(input);
    const size_t cols = from.cols();
    if (!from.is_integer()) {
        for (size_t row = 0; row < n; ++row) std::copy_n(from.values(row), cols, values + row * cols);
        return;
    }
    float* padded = expanded_.floats(from.padded());
    if (!padded) return fail(error(Status::memory, "read_input: no memory for a row"));
    for (size_t row = 0; row < n; ++row) {
        from.expand(row, padded);
        std::copy_n(padded, cols, values + row * cols);
    }
}

void CpuStream::run_gram(const float* a, size_t a_cols, const float* b, size_t b_cols, size_t n, float* sum) {
    constexpr size_t panel = 64;
    const bool symmetric = a == b;
    const size_t stride = round_up(n, 16);
    float* at = transposed_.floats((symmetric ? a_cols : a_cols + b_cols) * stride);
    if (!at) return fail(error(Status::memory, "accumulate_gram: no memory for the transposed inputs"));
    float* bt = symmetric ? at : at + a_cols * stride;
    auto transpose_all = [&](const float* x, size_t cols, float* out) {
        spread((cols + panel - 1) / panel, true, [&](size_t index, size_t) {
            transpose(x, n, index * panel, std::min(cols, (index + 1) * panel), cols, stride, out);
        });
    };
    transpose_all(a, a_cols, at);
    if (!symmetric) transpose_all(b, b_cols, bt);
    // Columns [first, last) of the sum; of a symmetric one only down to the diagonal, the longest panels
    // first.
    const size_t panels = (b_cols + panel - 1) / panel;
    pool_->parallel_for(panels, [&](size_t index, size_t) {
        size_t first = (panels - 1 - index) * panel, last = std::min(b_cols, first + panel);
        kernels_.matmul_f32(at, stride, symmetric ? last : a_cols, bt + first * stride, stride, last - first,
                            stride, {sum + first, b_cols, nullptr, true});
    });
    if (!symmetric) return;
    for (size_t i = 0; i < a_cols; ++i)
        for (size_t j = 0; j < i; ++j) sum[i * a_cols + j] = sum[j * a_cols + i];
}

} // namespace fp4
