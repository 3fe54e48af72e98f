// Bytes of tensors with random contents, made when they are read: the same for the same seed, wherever
// reading starts.
#pragma once

#include "libfp4/io/byte_source.h"

namespace fp4 {

// The bytes of some blocks of a tensor, and where they are repeated from. Codes and scales of one tensor: two
// pools of the same blocks and one seed.
struct BlockPool {
    static constexpr size_t blocks = 1024;
    size_t block_bytes = 0;
    std::vector<uint8_t> bytes; // [blocks, block_bytes]
};

// block_count blocks, each run of a few of them taken from a random place of the pool.
std::shared_ptr<ByteSource> random_source(std::string name, std::shared_ptr<const BlockPool> pool,
                                          uint64_t seed, uint64_t block_count);

// `count` numbers of a normal distribution.
std::vector<float> normal_numbers(size_t count, float mean, float deviation, uint64_t seed);

} // namespace fp4
