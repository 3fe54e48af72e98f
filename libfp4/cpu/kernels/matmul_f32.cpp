// x [n, k] times w [rows, k] transposed, float32. Both are contiguous along k: a register tile of tokens x
// rows keeps one vector of partial sums each, which are added up at the end. The tile is as large as the
// registers allow, so that loads are fewer than multiplications.
#include "libfp4/cpu/kernels/kernel_functions.h"

namespace fp4::FP4_CPU_LEVEL {
namespace {

template <int tokens, int rows>
void tile(const float* x, size_t stride_x, const float* w, size_t stride_w, size_t k, const LinearOut& out,
          size_t t0, size_t r0) {
    F sums[tokens][rows];
    for (int t = 0; t < tokens; ++t)
        for (int r = 0; r < rows; ++r) sums[t][r] = zero();
    auto step = [&](auto&& fetch) {
        F wv[rows];
        for (int r = 0; r < rows; ++r) wv[r] = fetch(w + (r0 + r) * stride_w);
        for (int t = 0; t < tokens; ++t) {
            F xv = fetch(x + (t0 + t) * stride_x);
            for (int r = 0; r < rows; ++r) sums[t][r] = fma(xv, wv[r], sums[t][r]);
        }
    };
    size_t j = 0;
    for (; j + width <= k; j += width) step([j](const float* row) { return load(row + j); });
    if (j < k) step([j, k](const float* row) { return load(row + j, k - j); });
    for (int t = 0; t < tokens; ++t) {
        if constexpr (rows == 4) {
            float values[4];
            sum4(sums[t], values);
            for (int r = 0; r < 4; ++r) emit(out, t0 + t, r0 + r, values[r]);
        } else {
            for (int r = 0; r < rows; ++r) emit(out, t0 + t, r0 + r, sum(sums[t][r]));
        }
    }
}

template <int tokens>
void token_tile(const float* x, size_t stride_x, const float* w, size_t stride_w, size_t rows, size_t k,
                const LinearOut& out, size_t t0) {
    size_t r = 0;
    for (; r + tile_rows <= rows; r += tile_rows)
        tile<tokens, tile_rows>(x, stride_x, w, stride_w, k, out, t0, r);
    for (; r < rows; ++r) tile<tokens, 1>(x, stride_x, w, stride_w, k, out, t0, r);
}

template <int tokens>
void last_tokens(size_t left, const float* x, size_t stride_x, const float* w, size_t stride_w, size_t rows,
                 size_t k, const LinearOut& out, size_t t0) {
    if constexpr (tokens > 0) {
        if (left == tokens) return token_tile<tokens>(x, stride_x, w, stride_w, rows, k, out, t0);
        last_tokens<tokens - 1>(left, x, stride_x, w, stride_w, rows, k, out, t0);
    }
}

} // namespace

void matmul_f32(const float* x, size_t stride_x, size_t n, const float* w, size_t stride_w, size_t rows,
                size_t k, const LinearOut& out) {
    size_t t = 0;
    for (; t + tile_tokens <= n; t += tile_tokens)
        token_tile<tile_tokens>(x, stride_x, w, stride_w, rows, k, out, t);
    last_tokens<tile_tokens - 1>(n - t, x, stride_x, w, stride_w, rows, k, out, t);
}

} // namespace fp4::FP4_CPU_LEVEL
