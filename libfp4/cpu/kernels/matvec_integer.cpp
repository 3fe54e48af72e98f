// Weights times integer activations for few tokens: W4A4 and W4A8 decode. Weights are streamed once; u8 x s8
// dot products of biased weights give one exact int32 per lane of 8 elements, and only the two scales are
// float32. The bias is taken off by the start value of the sum.
#include "libfp4/cpu/kernels/integer_weights.h"
#include "libfp4/cpu/kernels/kernel_functions.h"

namespace fp4::FP4_CPU_LEVEL {
namespace {

struct Step {
    size_t codes; // of the even elements
    size_t lanes;
    explicit Step(size_t index)
        : codes(index * step_elements / chunk_elements * chunk_elements +
                index * step_elements % chunk_elements / 2),
          lanes(index * width) {}
};

template <class Weights, int tokens, int rows>
void tile(const WeightRows& w, size_t r0, const IntegerInput& x, size_t t0, const LinearOut& out) {
    F sums[tokens][rows];
    for (int t = 0; t < tokens; ++t)
        for (int r = 0; r < rows; ++r) sums[t][r] = zero();

    auto step = [&](size_t index, auto&& weights, auto&& scales) {
        Halves codes[rows];
        F weight_scale[rows];
        for (int r = 0; r < rows; ++r) {
            codes[r] = weights(r0 + r);
            weight_scale[r] = scales(r0 + r);
        }
        Step at(index);
        for (int t = 0; t < tokens; ++t) {
            size_t lanes = (t0 + t) * (x.padded / lane_elements) + at.lanes;
            StepInput input = Weights::input(x.codes + (t0 + t) * x.padded + at.codes, x.offsets + lanes);
            F scale = load(x.scales + lanes);
            for (int r = 0; r < rows; ++r) {
                F products = to_float(Weights::dot(input.start, codes[r], input.codes));
                sums[t][r] = fma(products * scale, weight_scale[r], sums[t][r]);
            }
        }
    };

    using Scales = typename Weights::Scales;
    constexpr size_t bytes = Weights::step_bytes, blocks = Scales::step_blocks;
    size_t whole = w.row_bytes / bytes, rest = w.row_bytes % bytes;
    for (size_t s = 0; s < whole; ++s) {
        step(
            s, [&](size_t r) { return Weights::load(w.codes + r * w.row_bytes + s * bytes); },
            [&](size_t r) { return Scales::expand(w.scales + r * w.row_scales + s * blocks); });
    }
    if (rest != 0) {
        step(
            whole, [&](size_t r) { return Weights::load(w.codes + r * w.row_bytes + whole * bytes, rest); },
            [&](size_t r) {
                return Scales::expand(w.scales + r * w.row_scales + whole * blocks, rest * blocks / bytes);
            });
    }
    float factor = Weights::unit * Scales::unit * w.tensor_scale;
    for (int t = 0; t < tokens; ++t)
        for (int r = 0; r < rows; ++r) emit(out, t0 + t, r0 + r, sum(sums[t][r]) * factor);
}

template <class Weights, int tokens>
void token_tile(const WeightRows& w, size_t rows, const IntegerInput& x, size_t t0, const LinearOut& out) {
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) tile<Weights, tokens, 4>(w, r, x, t0, out);
    for (; r < rows; ++r) tile<Weights, tokens, 1>(w, r, x, t0, out);
}

template <class Weights>
void all_tokens(const WeightRows& w, size_t rows, const IntegerInput& x, size_t n, const LinearOut& out) {
    size_t t = 0;
    for (; t + 4 <= n; t += 4) token_tile<Weights, 4>(w, rows, x, t, out);
    for (; t + 2 <= n; t += 2) token_tile<Weights, 2>(w, rows, x, t, out);
    for (; t < n; ++t) token_tile<Weights, 1>(w, rows, x, t, out);
}

} // namespace

void matvec_integer(const WeightRows& w, size_t rows, const IntegerInput& x, size_t n, const LinearOut& out) {
    switch (w.format) {
        case WeightFormat::mxfp4:
            return all_tokens<E2m1Weights<E8m0Scales>>(w, rows, x, n, out);
        case WeightFormat::nvfp4:
            return all_tokens<E2m1Weights<Ue4m3Scales>>(w, rows, x, n, out);
        default:
            return all_tokens<Int8Weights>(w, rows, x, n, out);
    }
}

} // namespace fp4::FP4_CPU_LEVEL
