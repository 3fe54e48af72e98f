// Bounds on a chat template, which comes from an untrusted model file.
#pragma once

#include <cstddef>

namespace fp4 {

struct TemplateLimits {
    size_t max_source_bytes = 1 << 20;
    size_t max_depth = 200;              // nesting of blocks and expressions in the source, and of values
    size_t max_call_depth = 600;         // nesting of evaluation: expressions, statements and macro calls
    size_t max_steps = 20'000'000;       // one per node evaluated, per item or per 64 bytes handled
    size_t max_memory_bytes = 256 << 20; // everything one render allocates, freed when it ends
    size_t max_output_bytes = 64 << 20;
    size_t max_range = 100'000; // as in Jinja's sandbox
};

} // namespace fp4
