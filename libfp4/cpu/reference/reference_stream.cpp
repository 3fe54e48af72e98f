#include "libfp4/cpu/reference/reference_stream.h"

#include "libfp4/cpu/reference/reference_ops.h"

namespace fp4 {
namespace {

ReferenceActivation& output_of(const HostRounding& rounding) {
    return static_cast<ReferenceActivation&>(*rounding.out);
}

} // namespace

void ReferenceStream::run_embed(const HostMatrix& table, const int32_t* ids, size_t n, float scale,
                                float* x) {
    for (size_t t = 0; t < n; ++t) reference::embed(table, ids[t], scale, x + t * table.cols());
}

void ReferenceStream::run_norm(const float* x, size_t n, const HostNorm& norm, const HostRounding& rounding) {
    std::vector<float> row(norm.cols);
    for (size_t t = 0; t < n; ++t) {
        reference::rms_norm(x + t * norm.cols, norm, row.data());
        output_of(rounding).round_row(rounding, t, row);
    }
}

void ReferenceStream::run_linear(const Activation& input, size_t n, std::span<const HostTarget> targets) {
    auto& rounded = static_cast<const ReferenceActivation&>(input);
    for (const HostTarget& target : targets) {
        size_t rows = target.weight->rows();
        for (size_t t = 0; t < n; ++t) {
            for (size_t r = target.first_row; r < target.end_row; ++r) {
                double value = reference::linear(rounded, t, *target.weight, r);
                if (target.bias) value += target.bias[r];
                float& out = target.out[t * rows + r];
                out = static_cast<float>(target.accumulate ? out + value : value);
            }
        }
    }
}

void ReferenceStream::run_rope(const HostRope& rope, float* q, const float* k, const float* v, KvRows keys,
                               KvRows values) {
    reference::rope_append(rope, q, k, v, keys, values);
}

void ReferenceStream::run_attention(const HostAttention& attention, const float* q, KvRows keys,
                                    KvRows values, const HostRounding& rounding) {
    std::vector<float> row(attention.width());
    for (size_t t = 0; t < attention.n; ++t) {
        reference::attention(attention, t, q, keys, values, row.data());
        output_of(rounding).round_row(rounding, t, row);
    }
}

void ReferenceStream::run_glu(const float* gate, const float* up, size_t n, size_t width, GluKind kind,
                              const HostRounding& rounding) {
    std::vector<float> row(width);
    for (size_t t = 0; t < n; ++t) {
        for (size_t j = 0; j < width; ++j)
            row[j] = reference::glu(kind, gate[t * width + j], up[t * width + j]);
        output_of(rounding).round_row(rounding, t, row);
    }
}

void ReferenceStream::run_norm_add(const float* y, size_t n, const HostNorm& norm, float* x) {
    std::vector<float> row(norm.cols);
    for (size_t t = 0; t < n; ++t) {
        reference::rms_norm(y + t * norm.cols, norm, row.data());
        for (size_t j = 0; j < norm.cols; ++j) x[t * norm.cols + j] += row[j];
    }
}

} // namespace fp4
