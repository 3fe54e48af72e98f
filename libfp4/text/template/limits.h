// Bounds on a chat template, which comes from an untrusted model file.
#pragma once

#include <cstddef>

namespace fp4 {

// Defaults: real templates stay far below them, and with them an optimized build needs less than 512 KiB of
// stack.
struct TemplateLimits {
    size_t max_source_bytes = 1 << 20;
    size_t max_depth = 128;              // nesting of blocks and expressions in the source, and of values
    size_t max_call_depth = 400;         // nesting of evaluation: expressions, statements and macro calls
    size_t max_steps = 20'000'000;       // one per node evaluated, per item or per some bytes handled
    size_t max_memory_bytes = 256 << 20; // everything one render allocates, freed when it ends
    size_t max_output_bytes = 64 << 20;
    size_t max_range = 100'000; // as in Jinja's sandbox
};

} // namespace fp4
