#include "libfp4/cpu/reference/reference_activation.h"

#include <algorithm>
#include <new>

#include "libfp4/base/checked.h"
#include "libfp4/cpu/reference/reference_ops.h"

namespace fp4 {

Result<std::unique_ptr<ReferenceActivation>> ReferenceActivation::create(size_t max_rows, size_t cols) {
    auto bytes = checked_mul(max_rows, cols);
    if (bytes) bytes = checked_mul(*bytes, 64);
    if (!bytes || *bytes == 0)
        return error(Status::argument, "an activation [", max_rows, ", ", cols, "] is empty or too large");
    auto result = std::make_unique<ReferenceActivation>();
    result->max_rows_ = max_rows;
    result->cols_ = cols;
    try {
        result->values_.resize(max_rows * cols);
        result->codes_.resize(max_rows * result->cols_padded());
        result->scales_.resize(max_rows * result->scales_per_row());
        result->tensor_scales_.resize(max_rows);
    } catch (const std::bad_alloc&) {
        return error(Status::memory, "cannot allocate an activation [", max_rows, ", ", cols, "]");
    }
    return result;
}

void ReferenceActivation::round_row(const HostRounding& rounding, size_t row, std::span<float> values) {
    if (rounding.transform) reference::transform_row(*rounding.transform, values);
    format_ = rounding.format;
    auto block = activation_block_format(format_.kind);
    if (!block) {
        std::copy(values.begin(), values.end(), values_.begin() + static_cast<ptrdiff_t>(row * cols_));
        return;
    }
    const float tensor_scale = activation_tensor_scale(format_, row_amax(values.data(), cols_));
    tensor_scales_[row] = tensor_scale;
    quantize_row(*block, activation_rule(format_), tensor_scale, values.data(), cols_,
                 codes_.data() + row * cols_padded(), scales_.data() + row * scales_per_row());
}

} // namespace fp4
