// Rows of a KV cache in host memory, in the cache's format.
#pragma once

#include "libfp4/engine/backend.h"

namespace fp4 {

struct KvRows {
    uint8_t* data = nullptr;
    KvFormat format = KvFormat::f16;
    size_t head_bytes = 0;
    size_t row_bytes = 0; // of a token: all its heads

    // The rows from `row` on, seen from head `head`.
    KvRows at(size_t row, size_t head) const {
        return {data + row * row_bytes + head * head_bytes, format, head_bytes, row_bytes};
    }
    const uint16_t* f16() const { return reinterpret_cast<const uint16_t*>(data); }
    uint16_t* f16() { return reinterpret_cast<uint16_t*>(data); }
    const float* f32() const { return reinterpret_cast<const float*>(data); }
};

// The first head of `rows`: its values in the cache's format, and back.
void store_head(const float* values, size_t dim, KvRows rows);
void read_head(KvRows rows, size_t dim, float* values);

} // namespace fp4
