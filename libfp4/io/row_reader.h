// Streaming reads of rows out of a ByteSource, with a scratch buffer of limits::row_scratch bytes at most.
#pragma once

#include <cstdint>

#include "libfp4/io/checkpoint.h"
#include "libfp4/io/stored_checkpoint.h"

namespace fp4 {

// Elements [first, first + count) of a plain tensor whose bytes begin at `data`.
Result<void> read_plain_elements(const StoredBytes& data, DType dtype, uint64_t first, uint64_t count,
                                 float* target);

// The same for a ggml type; first and count are multiples of its block.
Result<void> read_ggml_elements(const StoredBytes& data, GgmlType type, uint64_t first, uint64_t count,
                                float* target);

// Rows of a microscaling tensor of `row_length` elements a row. Either in our layout (codes at `data`, scales
// at `scales`) or, if `scales` has no source, in ggml's.
struct BlockTensorBytes {
    BlockFormat format;
    uint64_t row_length;
    StoredBytes data;
    StoredBytes scales;
};
Result<void> read_block_rows(const BlockTensorBytes& tensor, uint64_t first, uint64_t count, uint8_t* codes,
                             uint8_t* scales);
Result<void> read_block_rows_f32(const BlockTensorBytes& tensor, float tensor_scale, uint64_t first,
                                 uint64_t count, float* target);

} // namespace fp4
