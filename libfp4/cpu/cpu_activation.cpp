#include "libfp4/cpu/cpu_activation.h"

#include "libfp4/base/checked.h"

namespace fp4 {

Result<std::unique_ptr<CpuActivation>> CpuActivation::create(size_t max_rows, size_t cols) {
    auto padded = checked_align_up(cols, chunk_elements);
    auto bytes = padded ? checked_mul(*padded, max_rows) : std::nullopt;
    if (bytes) bytes = checked_mul(*bytes, sizeof(float));
    if (!bytes || *bytes == 0) {
        return error(Status::argument, "an activation [", max_rows, ", ", cols, "] is empty or too large");
    }
    auto activation = std::make_unique<CpuActivation>();
    FP4_ASSIGN(activation->memory_, AlignedBytes::create(*bytes));
    activation->max_rows_ = max_rows;
    activation->cols_ = cols;
    activation->padded_ = static_cast<size_t>(*padded);
    return activation;
}

bool CpuActivation::is_integer() const {
    return format_.kind == ActivationFormat::Kind::mxint8 || format_.kind == ActivationFormat::Kind::mxfp4 ||
           format_.kind == ActivationFormat::Kind::nvfp4;
}

IntegerInput CpuActivation::integers() const {
    return {codes(), scales(), offsets(), padded_,
            format_.kind == ActivationFormat::Kind::nvfp4 ? size_t(16) : size_t(32)};
}

IntegerOutput CpuActivation::integers(size_t row) const {
    size_t lanes = padded_ / lane_elements;
    return {codes() + row * padded_, scales() + row * lanes, offsets() + row * lanes, padded_};
}

void CpuActivation::expand(size_t row, float* out) const {
    IntegerOutput from = integers(row);
    for (size_t start = 0; start < padded_; start += chunk_elements) {
        for (size_t j = 0; j < chunk_elements; ++j) {
            int code = from.codes[start + j / 2 + (j % 2) * (chunk_elements / 2)];
            out[start + j] = static_cast<float>(code) * from.scales[(start + j) / lane_elements];
        }
    }
}

} // namespace fp4
