// The backends of this build, one line each.
#include <array>

#include "libfp4/cpu/cpu_backend.h"
#include "libfp4/engine/backend.h"

namespace fp4 {

std::span<const BackendEntry> backend_registry() {
    static const std::array entries{
        BackendEntry{"cpu", open_cpu_backend},
    };
    return entries;
}

} // namespace fp4
