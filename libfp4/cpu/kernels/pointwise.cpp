// Row operations: RMS norm, GLU, sums, rotary embedding, f16 rounding.
#include "libfp4/cpu/kernels/exp.h"
#include "libfp4/cpu/kernels/kernel_functions.h"

namespace fp4::FP4_CPU_LEVEL {
namespace {

// body(offset, get, put) on every vector of `count` values; the last one is partial.
template <class Body>
void for_vectors(size_t count, Body&& body) {
    size_t j = 0;
    for (; j + width <= count; j += width) {
        body([j](const float* p) { return load(p + j); }, [j](float* p, F x) { store(p + j, x); });
    }
    if (j < count) {
        size_t n = count - j;
        body([j, n](const float* p) { return load(p + j, n); },
             [j, n](float* p, F x) { store(p + j, x, n); });
    }
}

// x / (1 + e^-x), and gelu in its tanh form, which is x / (1 + e^-2u).
F silu(F x) {
    return x / (set(1.0f) + exp(zero() - x));
}
F gelu_tanh(F x) {
    F twice_u = set(1.5957691216f) * fma(set(0.044715f) * x * x, x, x); // 2 sqrt(2 / pi) (x + 0.044715 x^3)
    return x / (set(1.0f) + exp(zero() - twice_u));
}

} // namespace

void rms_norm(const float* x, const float* weight, float epsilon, size_t cols, float* out) {
    F squares = zero();
    for_vectors(cols, [&](auto get, auto) { squares = fma(get(x), get(x), squares); });
    float inverse = 1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(cols) + epsilon);
    for_vectors(cols, [&](auto get, auto put) { put(out, get(x) * set(inverse) * get(weight)); });
}

void add(const float* y, size_t count, float* x) {
    for_vectors(count, [&](auto get, auto put) { put(x, get(x) + get(y)); });
}

void scale(float factor, size_t count, float* x) {
    for_vectors(count, [&](auto get, auto put) { put(x, get(x) * set(factor)); });
}

void channel_scale(const float* scale, size_t count, float* x) {
    for_vectors(count, [&](auto get, auto put) { put(x, get(x) * get(scale)); });
}

void glu(GluKind kind, const float* gate, const float* up, size_t count, float* out) {
    if (kind == GluKind::silu) {
        for_vectors(count, [&](auto get, auto put) { put(out, silu(get(gate)) * get(up)); });
    } else {
        for_vectors(count, [&](auto get, auto put) { put(out, gelu_tanh(get(gate)) * get(up)); });
    }
}

void rotate(float* head, const float* cosine, const float* sine, size_t dim, bool interleaved) {
    size_t half = dim / 2;
    if (interleaved) {
        for (size_t i = 0; i < half; ++i) {
            float a = head[2 * i], b = head[2 * i + 1];
            head[2 * i] = a * cosine[i] - b * sine[i];
            head[2 * i + 1] = a * sine[i] + b * cosine[i];
        }
        return;
    }
    for_vectors(half, [&](auto get, auto put) {
        F a = get(head), b = get(head + half), c = get(cosine), s = get(sine);
        put(head, a * c - b * s);
        put(head + half, fma(a, s, b * c));
    });
}

void to_f16(const float* x, size_t count, uint16_t* out) {
    size_t j = 0;
    for (; j + width <= count; j += width) store_f16(out + j, load(x + j));
    if (j < count) store_f16(out + j, load(x + j, count - j), count - j);
}

} // namespace fp4::FP4_CPU_LEVEL
