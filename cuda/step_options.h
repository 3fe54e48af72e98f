// How decode steps run: all on, but for tests and benchmarks that compare.
#pragma once

#include <cstdint>

namespace fp4::cuda {

struct StepOptions {
    bool recorded = true;       // begin_step() records; else operations run one by one
    bool graph = true;          // records are replayed as CUDA graphs
    bool fuse_attention = true; // rope and attention in one kernel
    bool fuse_products = true;  // products and the norm or activation after them in one kernel
};
inline StepOptions step_options;

} // namespace fp4::cuda
