// The work memory of a stream, by what it will be asked for.
#pragma once

#include "libfp4/engine/backend.h"

namespace fp4::cuda {

// Bytes of each of a CudaStream's scratch memories.
struct WorkMemory {
    uint64_t attention_sums = 0, attention_states = 0, attention_counters = 0;
    uint64_t matvec_sums = 0, matvec_counters = 0;
    uint64_t gemm_sums = 0;
    uint64_t bytes() const {
        return attention_sums + attention_states + attention_counters + matvec_sums + matvec_counters +
               gemm_sums;
    }
};
WorkMemory work_memory(const StreamWork& work, int processors);

} // namespace fp4::cuda
