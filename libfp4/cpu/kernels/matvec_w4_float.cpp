// Packed 4-bit weights times float32 activations for few tokens: W4A16 decode. A 32-bit lane holds 8
// consecutive elements; the eight nibbles are looked up one after the other, so the activations are arranged
// to match.
#include "libfp4/cpu/kernels/block_scales.h"
#include "libfp4/cpu/kernels/kernel_functions.h"

namespace fp4::FP4_CPU_LEVEL {
namespace {

constexpr size_t step_bytes = step_elements / 2;

template <int rows, int j>
void nibble(const I* packed, const float* x, F* sums) {
    F values = load(x + j * width);
    for (int r = 0; r < rows; ++r) sums[r] = fma(e2m1_values<j>(packed[r]), values, sums[r]);
    if constexpr (j < 7) nibble<rows, j + 1>(packed, x, sums);
}

template <class Scales, int tokens, int rows>
void tile(const WeightRows& w, size_t r0, const float* x, size_t padded, size_t t0, const LinearOut& out) {
    F sums[tokens][rows];
    for (int t = 0; t < tokens; ++t)
        for (int r = 0; r < rows; ++r) sums[t][r] = zero();

    auto step = [&](size_t index, auto&& weights, auto&& scales) {
        I packed[rows];
        F weight_scale[rows];
        for (int r = 0; r < rows; ++r) {
            packed[r] = weights(r0 + r);
            weight_scale[r] = scales(r0 + r);
        }
        for (int t = 0; t < tokens; ++t) {
            F lanes[rows];
            for (int r = 0; r < rows; ++r) lanes[r] = zero();
            nibble<rows, 0>(packed, x + (t0 + t) * padded + index * step_elements, lanes);
            for (int r = 0; r < rows; ++r) sums[t][r] = fma(lanes[r], weight_scale[r], sums[t][r]);
        }
    };

    size_t whole = w.row_bytes / step_bytes, rest = w.row_bytes % step_bytes;
    constexpr size_t blocks = Scales::step_blocks;
    for (size_t s = 0; s < whole; ++s) {
        step(
            s, [&](size_t r) { return load_bytes(w.codes + r * w.row_bytes + s * step_bytes); },
            [&](size_t r) { return Scales::expand(w.scales + r * w.row_scales + s * blocks); });
    }
    if (rest != 0) {
        step(
            whole, [&](size_t r) { return load_bytes(w.codes + r * w.row_bytes + whole * step_bytes, rest); },
            [&](size_t r) {
                return Scales::expand(w.scales + r * w.row_scales + whole * blocks,
                                      rest / (Scales::block / 2));
            });
    }
    float factor = Scales::unit * w.tensor_scale;
    for (int t = 0; t < tokens; ++t)
        for (int r = 0; r < rows; ++r) emit(out, t0 + t, r0 + r, sum(sums[t][r]) * factor);
}

template <class Scales, int tokens>
void token_tile(const WeightRows& w, size_t rows, const float* x, size_t padded, size_t t0,
                const LinearOut& out) {
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) tile<Scales, tokens, 4>(w, r, x, padded, t0, out);
    for (; r < rows; ++r) tile<Scales, tokens, 1>(w, r, x, padded, t0, out);
}

template <class Scales>
void all_tokens(const WeightRows& w, size_t rows, const float* x, size_t padded, size_t n,
                const LinearOut& out) {
    size_t t = 0;
    for (; t + 2 <= n; t += 2) token_tile<Scales, 2>(w, rows, x, padded, t, out);
    for (; t < n; ++t) token_tile<Scales, 1>(w, rows, x, padded, t, out);
}

} // namespace

// out[step][j][lane] = x[step][lane][j], j < 8
void arrange_lanes(const float* x, size_t padded, float* out) {
    for (size_t s = 0; s < padded; s += step_elements)
        for (size_t j = 0; j < 8; ++j)
            for (size_t lane = 0; lane < width; ++lane) out[s + j * width + lane] = x[s + lane * 8 + j];
}

void matvec_w4_float(const WeightRows& w, size_t rows, const float* x, size_t padded, size_t n,
                     const LinearOut& out) {
    if (w.format == WeightFormat::mxfp4) {
        all_tokens<E8m0Scales>(w, rows, x, padded, n, out);
    } else {
        all_tokens<Ue4m3Scales>(w, rows, x, padded, n, out);
    }
}

} // namespace fp4::FP4_CPU_LEVEL
