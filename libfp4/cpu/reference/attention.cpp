#include <algorithm>
#include <cmath>

#include "libfp4/cpu/reference/reference_ops.h"

namespace fp4::reference {
// softmax(q K^T * scale) V over the rows the causal mask and the window leave.
void attention(const HostAttention& attention, size_t i, const float* q, KvRows keys, KvRows values,
               float* out) {
    const HeadShape& shape = attention.params.shape;
    size_t dim = shape.head_dim;
    size_t end = attention.position + i + 1;
    size_t window = attention.params.window;
    size_t begin = window != 0 && end > window ? end - window : 0;
    std::vector<double> weights(end - begin);
    std::vector<float> head(dim);
    std::vector<double> sums(dim);
    for (size_t h = 0; h < shape.heads; ++h) {
        size_t kv_head = h / (shape.heads / shape.kv_heads);
        const float* query = q + i * attention.width() + h * dim;
        double largest = -INFINITY;
        for (size_t p = begin; p < end; ++p) {
            read_head(keys.at(p, kv_head), dim, head.data());
            double score = 0.0;
            for (size_t j = 0; j < dim; ++j) score += double(query[j]) * head[j];
            weights[p - begin] = score * attention.params.scale;
            largest = std::max(largest, weights[p - begin]);
        }
        double total = 0.0;
        for (double& weight : weights) total += weight = std::exp(weight - largest);
        std::fill(sums.begin(), sums.end(), 0.0);
        for (size_t p = begin; p < end; ++p) {
            read_head(values.at(p, kv_head), dim, head.data());
            for (size_t j = 0; j < dim; ++j) sums[j] += weights[p - begin] * head[j];
        }
        for (size_t j = 0; j < dim; ++j) out[h * dim + j] = static_cast<float>(sums[j] / total);
    }
}

} // namespace fp4::reference
