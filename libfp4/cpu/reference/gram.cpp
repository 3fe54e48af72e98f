#include <algorithm>

#include "libfp4/cpu/reference/reference_activation.h"
#include "libfp4/cpu/reference/reference_stream.h"

namespace fp4 {

void ReferenceStream::run_read_input(const Activation& input, size_t n, float* values) {
    const auto& from = static_cast<const ReferenceActivation&>(input);
    if (from.format().kind != ActivationFormat::Kind::a16)
        return fail(error(Status::internal, "read_input: the input was rounded"));
    for (size_t row = 0; row < n; ++row)
        std::copy_n(from.values(row), from.cols(), values + row * from.cols());
}

void ReferenceStream::run_gram(const float* a, const float* b, size_t n, size_t cols, float* sum) {
    for (size_t i = 0; i < cols; ++i) {
        for (size_t j = 0; j < cols; ++j) {
            double total = 0.0;
            for (size_t t = 0; t < n; ++t) total += double(a[t * cols + i]) * b[t * cols + j];
            sum[i * cols + j] += static_cast<float>(total);
        }
    }
}

} // namespace fp4
