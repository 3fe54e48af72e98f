#include <algorithm>

#include "libfp4/cpu/reference/reference_activation.h"
#include "libfp4/cpu/reference/reference_stream.h"

namespace fp4 {

void ReferenceStream::run_read_input(const Activation& input, size_t n, float* values) {
    const auto& from = static_cast<const ReferenceActivation&>(input);
    const size_t cols = from.cols();
    const auto block = activation_block_format(from.format().kind);
    for (size_t row = 0; row < n; ++row) {
        float* out = values + row * cols;
        if (block)
            dequantize_row(*block, from.tensor_scale(row), from.codes(row), from.scales(row), cols, out);
        else
            std::copy_n(from.values(row), cols, out);
    }
}

void ReferenceStream::run_gram(const float* a, size_t a_cols, const float* b, size_t b_cols, size_t n,
                               float* sum) {
    for (size_t i = 0; i < a_cols; ++i) {
        for (size_t j = 0; j < b_cols; ++j) {
            double total = 0.0;
            for (size_t t = 0; t < n; ++t) total += double(a[t * a_cols + i]) * b[t * b_cols + j];
            sum[i * b_cols + j] += static_cast<float>(total);
        }
    }
}

} // namespace fp4
