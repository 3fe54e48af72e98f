// The backends of this build, one line each.
#include <array>

#ifdef FP4_WITH_CUDA
#include "cuda/cuda_backend.h"
#endif
#include "libfp4/cpu/cpu_backend.h"
#include "libfp4/engine/backend.h"

namespace fp4 {

std::span<const BackendEntry> backend_registry() {
    static const std::array entries{
        BackendEntry{"cpu", open_cpu_backend},
#ifdef FP4_WITH_CUDA
        BackendEntry{"cuda:0", open_cuda_backend},
#endif
    };
    return entries;
}

} // namespace fp4
