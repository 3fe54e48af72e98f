// How decode steps run: all on, but for tests and benchmarks that compare.
#pragma once

#include <cstdint>

namespace fp4::cuda {

struct StepOptions {
    bool recorded = true;       // begin_step() records; else operations run one by one
    bool graph = true;          // records are replayed as CUDA graphs
    bool fuse_attention = true; // rope and attention in one kernel
    bool fuse_glu = true;       // gate, up and their activation in one kernel
    bool wide_glu = false;      // eight row warps a block
    uint32_t ahead = 0;         // bytes of the next product's weights that a product has fetched
};
inline StepOptions step_options;

} // namespace fp4::cuda
