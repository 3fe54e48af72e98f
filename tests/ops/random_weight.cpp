#include "random_weight.h"

#include <cstring>

#include "libfp4/format/element.h"

namespace fp4::ops {
namespace {

using Bytes = std::vector<uint8_t>;

// One unused byte in front: the payload is never aligned, and nothing follows it.
struct Payload {
    Bytes codes, scales;
};

uint8_t random_scale(WeightFormat format, Random& random, ScaleEdge edge) {
    bool nv = format == WeightFormat::nvfp4;
    switch (edge) {
        case ScaleEdge::huge:
            return nv ? 0x7E : static_cast<uint8_t>(127 + 60);
        case ScaleEdge::tiny:
            return nv ? 1 : static_cast<uint8_t>(127 - 60);
        default:
            return static_cast<uint8_t>(nv ? random.below(0x7F) : 121 + random.below(8));
    }
}

bool usable_code(WeightFormat format, uint8_t code) {
    if (format == WeightFormat::mxfp8_e4m3) return (code & 0x7F) != 0x7F;
    if (format == WeightFormat::mxfp8_e5m2) return (code & 0x7F) < 0x7C;
    return true;
}

void fill_plain(WeightFormat format, size_t rows, size_t cols, Random& random, Payload& payload,
                RandomWeight& result) {
    size_t width = format == WeightFormat::f32 ? 4 : 2;
    payload.codes.resize(1 + rows * cols * width);
    for (size_t i = 0; i < rows * cols; ++i) {
        float value = random.normal(0.1f);
        uint8_t* target = payload.codes.data() + 1 + i * width;
        if (format == WeightFormat::f32) {
            std::memcpy(target, &value, 4);
        } else {
            uint16_t half = format == WeightFormat::f16 ? encode_f16(value) : encode_bf16(value);
            std::memcpy(target, &half, 2);
            value = format == WeightFormat::f16 ? decode_f16(half) : decode_bf16(half);
        }
        result.values.push_back(value);
    }
}

void fill_blocks(WeightFormat format, size_t rows, size_t cols, Random& random, ScaleEdge edge,
                 Payload& payload, RandomWeight& result) {
    BlockFormat block = to_block(format);
    size_t row_bytes = row_code_bytes(block, cols), scales = row_scales(block, cols);
    payload.codes.resize(1 + rows * row_bytes);
    payload.scales.resize(1 + rows * scales);
    for (size_t i = 1; i < payload.codes.size(); ++i) {
        do {
            payload.codes[i] = static_cast<uint8_t>(random.below(256));
        } while (!usable_code(format, payload.codes[i]));
    }
    for (size_t i = 1; i < payload.scales.size(); ++i) payload.scales[i] = random_scale(format, random, edge);
    result.host.tensor_scale =
        format == WeightFormat::nvfp4 ? random.uniform(0.001f, 0.01f) : random.uniform(0.3f, 1.0f);
    size_t block_bytes = row_code_bytes(block, 1);
    if (edge == ScaleEdge::zero_blocks) {
        for (size_t b = 0; b < rows * scales; b += 2) {
            payload.scales[1 + b] = 0;
            std::memset(payload.codes.data() + 1 + b * block_bytes, 0, block_bytes);
        }
    }
    if (edge == ScaleEdge::nan_block) {
        size_t b = random.below(static_cast<uint32_t>(rows * scales));
        payload.scales[1 + b] = format == WeightFormat::nvfp4 ? 0x7F : 0xFF;
        std::memset(payload.codes.data() + 1 + b * block_bytes, 0, block_bytes);
    }
    std::vector<float> row(cols);
    for (size_t r = 0; r < rows; ++r) {
        dequantize_row(block, 1.0f, payload.codes.data() + 1 + r * row_bytes,
                       payload.scales.data() + 1 + r * scales, cols, row.data());
        for (float value : row) result.values.push_back(double(value) * result.host.tensor_scale);
    }
}

} // namespace

RandomWeight random_weight(WeightFormat format, size_t rows, size_t cols, Random& random, ScaleEdge edge) {
    RandomWeight result;
    result.host.format = format;
    result.host.rows = rows;
    result.host.cols = cols;
    auto payload = std::make_shared<Payload>();
    if (is_block(format)) {
        fill_blocks(format, rows, cols, random, edge, *payload, result);
        // Exact allocations: a read past the last byte is seen by the address sanitizer.
        payload->codes.shrink_to_fit();
        payload->scales.shrink_to_fit();
        result.host.scales = payload->scales.data() + 1;
    } else {
        fill_plain(format, rows, cols, random, *payload, result);
        payload->codes.shrink_to_fit();
    }
    result.host.data = payload->codes.data() + 1;
    result.host.owner = payload;
    return result;
}

RandomWeight f32_weight(const std::vector<float>& values, size_t rows, size_t cols) {
    RandomWeight result;
    auto copy = std::make_shared<std::vector<float>>(values);
    result.host.rows = rows;
    result.host.cols = cols;
    result.host.data = reinterpret_cast<const uint8_t*>(copy->data());
    result.host.owner = copy;
    result.values.assign(values.begin(), values.end());
    return result;
}

} // namespace fp4::ops
