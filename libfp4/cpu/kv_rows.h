// Rows of a KV cache in host memory, in the cache's format.
#pragma once

#include <cstring>

#include "libfp4/engine/backend.h"

namespace fp4 {

struct KvRows {
    uint8_t* data = nullptr;
    KvFormat format = KvFormat::f16;

    // The rows from `element` values further on.
    KvRows at(size_t element) const { return {data + element * kv_value_bytes(format), format}; }
    const uint16_t* f16() const { return reinterpret_cast<const uint16_t*>(data); }
    uint16_t* f16() { return reinterpret_cast<uint16_t*>(data); }
    const float* f32() const { return reinterpret_cast<const float*>(data); }
    float* f32() { return reinterpret_cast<float*>(data); }
};

} // namespace fp4
