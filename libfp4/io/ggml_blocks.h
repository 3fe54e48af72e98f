// The block types of ggml (GGUF files): sizes, dequantization, and repacking of ggml's FP4 blocks to ours.
// Layouts follow ggml's own definitions; every field is little-endian.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libfp4/io/checkpoint.h"

namespace fp4 {

struct GgmlLayout {
    uint32_t elements; // per block
    uint32_t bytes;
};

GgmlLayout ggml_layout(GgmlType type);
// Of the microscaling formats ggml stores in its own order: MXFP4 and NVFP4. {0, 0} for the others.
GgmlLayout ggml_layout(BlockFormat format);

// blocks: count x bytes; target: count x elements.
void dequantize_ggml(GgmlType type, const uint8_t* blocks, size_t count, float* target);

// ggml keeps elements j and j + n/2 of a block in one byte and the scales inside the block. Out come
// neighbours in one byte and the scales apart (block_format.h), with the values unchanged: ggml doubles its
// elements and halves the scale. NVFP4 scale bytes lose their sign bit, which ggml ignores, and 0x7F becomes
// 0, as ggml decodes it.
void repack_ggml_blocks(BlockFormat format, const uint8_t* blocks, size_t count, uint8_t* codes,
                        uint8_t* scales);

} // namespace fp4
