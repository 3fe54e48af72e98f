// How much work memory the operations of a stream need, and how attention is cut.
#pragma once

#include "libfp4/engine/backend.h"

namespace fp4 {

// Rows of weights that are decoded to float32 at once: a panel that stays in the second-level cache.
size_t float_panel(size_t padded);
// From this many tokens on that is faster than the mat-vec.
inline constexpr size_t float_matmul_tokens = 4;

// Groups of query heads x blocks of tokens x parts of the key range.
struct AttentionCut {
    size_t group = 1; // query heads together; divides the heads of a kv head
    size_t groups = 1;
    size_t block_tokens = 1;
    size_t blocks = 1;
    size_t parts = 1;
    size_t rows = 1; // query rows of a block
    size_t state_floats = 0;
    size_t tasks() const { return groups * blocks * parts; }
};
// visible: keys that the tokens see together.
AttentionCut cut_attention(const HeadShape& shape, size_t n, size_t visible, size_t threads);

struct CpuWork {
    uint64_t worker = 0;   // bytes, of each thread
    uint64_t arranged = 0; // bytes: float32 inputs of the mat-vecs
    uint64_t partials = 0; // bytes: softmax states
    uint64_t bytes(size_t threads) const { return worker * threads + arranged + partials; }
};
CpuWork cpu_work(const StreamWork& work, size_t threads);

} // namespace fp4
