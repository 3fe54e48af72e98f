// A layer of a KV cache as kernels see it: [tokens][kv_heads][head_bytes], heads in the format's own layout.
#pragma once

#include "cuda/device/elements.h"

namespace fp4::cuda {

struct KvView {
    uint8_t* keys = nullptr; // token 0 of the layer
    uint8_t* values = nullptr;
    KvFormat format = KvFormat::f16;
    uint32_t kv_heads = 0;
    uint32_t head_dim = 0;
    uint32_t head_bytes = 0;
    uint32_t code_bytes = 0; // of a head in a block format: its scales follow
};

FP4_BOTH constexpr size_t head_place(const KvView& kv, size_t token, uint32_t head) {
    return (token * kv.kv_heads + head) * kv.head_bytes;
}

// Element j of a head that is stored at `head`.
FP4_BOTH inline float kv_element(const KvView& kv, const uint8_t* head, uint32_t j) {
    switch (kv.format) {
        case KvFormat::f16:
            return decode_half(WeightFormat::f16, reinterpret_cast<const uint16_t*>(head)[j]);
        case KvFormat::f32:
            return reinterpret_cast<const float*>(head)[j];
        case KvFormat::mxfp8:
            return decode_element(BlockFormat::mxfp8_e4m3, head[j]) *
                   decode_scale(BlockFormat::mxfp8_e4m3, head[kv.code_bytes + j / 32]);
        case KvFormat::mxfp4:
            break;
    }
    return decode_element(BlockFormat::mxfp4, head[j / 2] >> j % 2 * 4 & 15) *
           decode_scale(BlockFormat::mxfp4, head[kv.code_bytes + j / 32]);
}

} // namespace fp4::cuda
