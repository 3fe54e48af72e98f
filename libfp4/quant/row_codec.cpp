#include "libfp4/quant/row_codec.h"

#include <cstring>
#include <vector>

#include "libfp4/format/element.h"

namespace fp4 {

RowCodec::RowCodec(BlockFormat format, ScaleRule rule, float tensor_amax)
    : format_(format),
      rule_(scale_rule_applies(format, rule) ? rule : ScaleRule::mse),
      tensor_scale_(tensor_scale_for(format, rule_, tensor_amax)) {}

void RowCodec::quantize(ThreadPool& pool, const float* values, size_t rows, size_t k, uint8_t* codes,
                        uint8_t* scales, RoundingError& error) const {
    std::vector<RoundingError> errors(rows);
    std::vector<float> scratch(static_cast<size_t>(pool.threads()) * k); // a row per worker
    const size_t row_codes = code_bytes(k), row_scale_bytes = scale_bytes(k);
    pool.parallel_for(rows, [&](size_t row, size_t worker) {
        const float* source = values + row * k;
        uint8_t* row_code = codes + row * row_codes;
        uint8_t* row_scale = scales + row * row_scale_bytes;
        quantize_row(format_, rule_, tensor_scale_, source, k, row_code, row_scale);
        float* decoded = scratch.data() + worker * k;
        dequantize_row(format_, tensor_scale_, row_code, row_scale, k, decoded);
        for (size_t i = 0; i < k; ++i) {
            double difference = double(source[i]) - decoded[i];
            errors[row].squared_error += difference * difference;
            errors[row].squared_value += double(source[i]) * source[i];
        }
    });
    for (const RoundingError& row : errors) {
        error.squared_error += row.squared_error;
        error.squared_value += row.squared_value;
    }
}

void encode_plain(DType dtype, std::span<const float> values, uint8_t* target) {
    if (dtype == DType::f32) {
        std::memcpy(target, values.data(), values.size_bytes());
        return;
    }
    for (size_t i = 0; i < values.size(); ++i) {
        uint16_t code = dtype == DType::f16 ? encode_f16(values[i]) : encode_bf16(values[i]);
        std::memcpy(target + 2 * i, &code, sizeof code);
    }
}

} // namespace fp4
