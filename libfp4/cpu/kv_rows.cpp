#include "libfp4/cpu/kv_rows.h"

#include <cstring>

#include "libfp4/format/element.h"

namespace fp4 {

void store_head(const float* values, size_t dim, KvRows rows) {
    if (auto block = kv_block(rows.format)) {
        uint8_t* scales = rows.data + row_code_bytes(block->format, dim);
        quantize_row(block->format, block->rule, 1.0f, values, dim, rows.data, scales);
    } else if (rows.format == KvFormat::f16) {
        for (size_t j = 0; j < dim; ++j) rows.f16()[j] = encode_f16(values[j]);
    } else {
        std::memcpy(rows.data, values, dim * sizeof(float));
    }
}

void read_head(KvRows rows, size_t dim, float* values) {
    if (auto block = kv_block(rows.format)) {
        const uint8_t* scales = rows.data + row_code_bytes(block->format, dim);
        dequantize_row(block->format, 1.0f, rows.data, scales, dim, values);
    } else if (rows.format == KvFormat::f16) {
        for (size_t j = 0; j < dim; ++j) values[j] = decode_f16(rows.f16()[j]);
    } else {
        std::memcpy(values, rows.data, dim * sizeof(float));
    }
}

} // namespace fp4
