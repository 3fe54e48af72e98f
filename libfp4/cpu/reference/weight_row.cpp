#include "libfp4/cpu/reference/weight_row.h"

#include <cstring>

#include "libfp4/format/element.h"

namespace fp4::reference {

std::vector<float> weight_row(const HostMatrix& weight, size_t row) {
    size_t cols = weight.cols();
    std::vector<float> values(cols);
    const uint8_t* bytes = weight.codes(row);
    if (is_block(weight.format())) {
        dequantize_row(to_block(weight.format()), 1.0f, bytes, weight.scales(row), cols, values.data());
        return values;
    }
    for (size_t j = 0; j < cols; ++j) {
        if (weight.format() == WeightFormat::f32) {
            std::memcpy(&values[j], bytes + 4 * j, 4);
        } else {
            uint16_t half;
            std::memcpy(&half, bytes + 2 * j, 2);
            values[j] = weight.format() == WeightFormat::f16 ? decode_f16(half) : decode_bf16(half);
        }
    }
    return values;
}

} // namespace fp4::reference
