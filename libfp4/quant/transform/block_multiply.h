// A row times a small square matrix, the inner loop of block transforms.
#pragma once

#include <algorithm>
#include <cstddef>

namespace fp4 {

inline constexpr size_t max_transform_block = 128;

// The length is a constant so that compilers vectorize the loop and keep the sums in registers.
template <size_t Block, class Value>
void multiply_block_of(const Value* matrix, Value* x) {
    Value sums[Block] = {};
    for (size_t i = 0; i < Block; ++i) {
        for (size_t j = 0; j < Block; ++j) sums[j] += x[i] * matrix[i * Block + j];
    }
    std::copy_n(sums, Block, x);
}

// x <- x M. x: [block], matrix: [block, block] row-major, block 16, 32, 64 or 128.
template <class Value>
void multiply_block(const Value* matrix, size_t block, Value* x) {
    switch (block) {
        case 16:
            return multiply_block_of<16>(matrix, x);
        case 32:
            return multiply_block_of<32>(matrix, x);
        case 64:
            return multiply_block_of<64>(matrix, x);
        default:
            return multiply_block_of<max_transform_block>(matrix, x);
    }
}

} // namespace fp4
