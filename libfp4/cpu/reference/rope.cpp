#include <cmath>

#include "libfp4/cpu/reference/reference_ops.h"

namespace fp4::reference {
namespace {

// One head in place (RoFormer, arXiv 2104.09864, section 3.2.2). The angle is rounded to float32 as in
// training software; sine and cosine are those of the rounded angle.
void rotate_head(const HostRope& rope, size_t position, float* head) {
    size_t half = rope.shape.head_dim / 2;
    for (size_t i = 0; i < half; ++i) {
        float angle = static_cast<float>(position) * rope.inverse_frequency[i];
        double cosine = std::cos(double(angle)) * rope.amplitude;
        double sine = std::sin(double(angle)) * rope.amplitude;
        float& a = head[rope.interleaved ? 2 * i : i];
        float& b = head[rope.interleaved ? 2 * i + 1 : i + half];
        double x = a, y = b;
        a = static_cast<float>(x * cosine - y * sine);
        b = static_cast<float>(x * sine + y * cosine);
    }
}

void norm_and_rotate(const HostRope& rope, const HostNorm* norm, size_t position, float* head) {
    if (norm) rms_norm(head, *norm, head);
    rotate_head(rope, position, head);
}

} // namespace

void rope_append(const HostRope& rope, float* q, const float* k, const float* v, KvRows keys, KvRows values) {
    size_t dim = rope.shape.head_dim;
    std::vector<float> head(dim);
    for (size_t t = 0; t < rope.n; ++t) {
        for (size_t h = 0; h < rope.shape.heads; ++h) {
            norm_and_rotate(rope, rope.q_norm, rope.position + t, q + (t * rope.shape.heads + h) * dim);
        }
        for (size_t h = 0; h < rope.shape.kv_heads; ++h) {
            size_t offset = (t * rope.shape.kv_heads + h) * dim;
            std::copy(k + offset, k + offset + dim, head.begin());
            norm_and_rotate(rope, rope.k_norm, rope.position + t, head.data());
            store_head(head.data(), dim, keys.at(t, h));
            store_head(v + offset, dim, values.at(t, h));
        }
    }
}

} // namespace fp4::reference
