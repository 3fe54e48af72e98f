// Packed 4-bit weights times integer activations for few tokens: W4A4 and W4A8 decode. Weights are streamed
// once; a nibble becomes 2 x E2M1 + 12 (unsigned) by a byte shuffle, u8 x s8 dot products give one exact
// int32 per lane of 8 elements, and only the two scales are float32. The bias of 12 is taken off by the start
// value of the sum.
#include "libfp4/cpu/kernels/kernel_functions.h"
#include "libfp4/cpu/kernels/w4_scales.h"

namespace fp4::FP4_CPU_LEVEL {
namespace {

constexpr size_t step_elements = 2 * step_bytes;
constexpr size_t chunk_half = chunk_elements / 2;

struct Step {
    size_t codes; // of the even elements; the odd ones are chunk_half behind
    size_t lanes;
    explicit Step(size_t index)
        : codes(index * step_elements / chunk_elements * chunk_elements +
                index * step_elements % chunk_elements / 2),
          lanes(index * width) {}
};

template <class Scales, int tokens, int rows>
void tile(const WeightRows& w, size_t r0, const IntegerInput& x, size_t t0, const LinearOut& out) {
    F sums[tokens][rows];
    for (int t = 0; t < tokens; ++t)
        for (int r = 0; r < rows; ++r) sums[t][r] = zero();

    auto step = [&](size_t index, auto&& weights, auto&& scales) {
        I low[rows], high[rows];
        F weight_scale[rows];
        for (int r = 0; r < rows; ++r) {
            unpack_biased(weights(r0 + r), low[r], high[r]);
            weight_scale[r] = scales(r0 + r);
        }
        Step at(index);
        for (int t = 0; t < tokens; ++t) {
            const int8_t* codes = x.codes + (t0 + t) * x.padded + at.codes;
            size_t lanes = (t0 + t) * (x.padded / lane_elements) + at.lanes;
            I even = load_ints(codes), odd = load_ints(codes + chunk_half);
            I offset = load_ints(x.offsets + lanes);
            F scale = load(x.scales + lanes);
            for (int r = 0; r < rows; ++r) {
                F products = to_float(dot8(offset, low[r], even, high[r], odd));
                sums[t][r] = fma(products * scale, weight_scale[r], sums[t][r]);
            }
        }
    };

    size_t whole = w.row_bytes / step_bytes, rest = w.row_bytes % step_bytes;
    constexpr size_t blocks = step_bytes / Scales::block_bytes;
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
                                      rest / Scales::block_bytes);
            });
    }
    float factor = 0.5f * Scales::unit * w.tensor_scale;
    for (int t = 0; t < tokens; ++t)
        for (int r = 0; r < rows; ++r) emit(out, t0 + t, r0 + r, sum(sums[t][r]) * factor);
}

template <class Scales, int tokens>
void token_tile(const WeightRows& w, size_t rows, const IntegerInput& x, size_t t0, const LinearOut& out) {
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) tile<Scales, tokens, 4>(w, r, x, t0, out);
    for (; r < rows; ++r) tile<Scales, tokens, 1>(w, r, x, t0, out);
}

template <class Scales>
void all_tokens(const WeightRows& w, size_t rows, const IntegerInput& x, size_t n, const LinearOut& out) {
    size_t t = 0;
    for (; t + 4 <= n; t += 4) token_tile<Scales, 4>(w, rows, x, t, out);
    for (; t + 2 <= n; t += 2) token_tile<Scales, 2>(w, rows, x, t, out);
    for (; t < n; ++t) token_tile<Scales, 1>(w, rows, x, t, out);
}

} // namespace

void matvec_w4_integer(const WeightRows& w, size_t rows, const IntegerInput& x, size_t n,
                       const LinearOut& out) {
    if (w.format == WeightFormat::mxfp4) {
        all_tokens<Mxfp4Scales>(w, rows, x, n, out);
    } else {
        all_tokens<Nvfp4Scales>(w, rows, x, n, out);
    }
}

} // namespace fp4::FP4_CPU_LEVEL
