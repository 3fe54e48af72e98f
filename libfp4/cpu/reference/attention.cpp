#include <algorithm>
#include <cmath>

#include "libfp4/cpu/reference/reference_ops.h"
#include "libfp4/format/element.h"

namespace fp4::reference {
namespace {

double value_at(KvRows rows, size_t i) {
    return rows.format == KvFormat::f16 ? decode_f16(rows.f16()[i]) : rows.f32()[i];
}

} // namespace

// softmax(q K^T * scale) V over the rows the causal mask and the window leave.
void attention(const HostAttention& attention, size_t i, const float* q, KvRows keys, KvRows values,
               float* out) {
    const HeadShape& shape = attention.params.shape;
    size_t dim = shape.head_dim;
    size_t row = shape.kv_heads * dim;
    size_t end = attention.position + i + 1;
    size_t window = attention.params.window;
    size_t begin = window != 0 && end > window ? end - window : 0;
    std::vector<double> weights(end - begin);
    for (size_t h = 0; h < shape.heads; ++h) {
        size_t kv_offset = h / (shape.heads / shape.kv_heads) * dim;
        const float* query = q + i * attention.width() + h * dim;
        double largest = -INFINITY;
        for (size_t p = begin; p < end; ++p) {
            double score = 0.0;
            for (size_t j = 0; j < dim; ++j)
                score += double(query[j]) * value_at(keys, p * row + kv_offset + j);
            weights[p - begin] = score * attention.params.scale;
            largest = std::max(largest, weights[p - begin]);
        }
        double total = 0.0;
        for (double& weight : weights) total += weight = std::exp(weight - largest);
        for (size_t j = 0; j < dim; ++j) {
            double sum = 0.0;
            for (size_t p = begin; p < end; ++p)
                sum += weights[p - begin] * value_at(values, p * row + kv_offset + j);
            out[h * dim + j] = static_cast<float>(sum / total);
        }
    }
}

} // namespace fp4::reference
