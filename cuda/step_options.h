// How decode steps run: all on, but for tests and benchmarks that compare.
#pragma once

#include <cstdint>

namespace fp4::cuda {

struct StepOptions {
    bool recorded = true;       // begin_step() records; else operations run one by one
    bool graph = true;          // records are replayed as CUDA graphs
    bool fuse_attention = true; // rope and attention in one kernel
    bool fuse_glu = true;       // gate, up and their activation in one kernel
    uint32_t lead = 4;          // MatvecView::lead
    uint32_t ahead = 12u << 20; // bytes of the next product's weights that a product has fetched
};
inline StepOptions step_options;

} // namespace fp4::cuda
