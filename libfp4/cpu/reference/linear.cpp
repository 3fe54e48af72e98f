#include "libfp4/cpu/reference/block_integer.h"
#include "libfp4/cpu/reference/reference_ops.h"
#include "libfp4/cpu/reference/weight_row.h"

namespace fp4::reference {
namespace {

// Every other pair of formats: the product of the values both sides stand for.
double dot_values(const ReferenceActivation& input, size_t row, const HostMatrix& weight, size_t channel) {
    size_t cols = weight.cols();
    std::vector<float> w = weight_row(weight, channel);
    std::vector<float> rounded;
    const float* x = input.values(row);
    double scale = weight.tensor_scale();
    if (auto block = activation_block_format(input.format().kind)) {
        rounded.resize(cols);
        dequantize_row(*block, 1.0f, input.codes(row), input.scales(row), cols, rounded.data());
        x = rounded.data();
        scale *= input.tensor_scale(row);
    }
    double sum = 0.0;
    for (size_t j = 0; j < cols; ++j) sum += double(w[j]) * x[j];
    return sum * scale;
}

// Integer formats: an exact int32 sum per run of elements that share both scales.
double dot_integers(const ReferenceActivation& input, size_t row, const HostMatrix& weight, size_t channel,
                    BlockFormat activation) {
    BlockFormat format = to_block(weight.format());
    IntegerRow w{format, weight.codes(channel), weight.scales(channel)};
    IntegerRow x{activation, input.codes(row), input.scales(row)};
    size_t run = std::min(block_size(format), block_size(activation));
    size_t cols = weight.cols();
    double sum = 0.0;
    for (size_t start = 0; start < cols; start += run) {
        int32_t products = 0;
        size_t end = std::min(start + run, cols);
        for (size_t j = start; j < end; ++j) products += w.integer(j) * x.integer(j);
        sum += products * w.unit(start) * x.unit(start);
    }
    return sum * weight.tensor_scale() * input.tensor_scale(row);
}

} // namespace

double linear(const ReferenceActivation& input, size_t row, const HostMatrix& weight, size_t channel) {
    auto activation = activation_block_format(input.format().kind);
    if (activation && is_integer(*activation) && is_block(weight.format()) &&
        is_integer(to_block(weight.format()))) {
        return dot_integers(input, row, weight, channel, *activation);
    }
    return dot_values(input, row, weight, channel);
}

} // namespace fp4::reference
