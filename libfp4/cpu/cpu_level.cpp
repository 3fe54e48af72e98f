#include "libfp4/cpu/cpu_level.h"

#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fp4 {
namespace {

#if defined(__x86_64__)
// CPUID leaf 1 ecx: F16C. Not every compiler's __builtin_cpu_supports knows it.
bool has_f16c() {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & (1u << 29)) != 0;
}
#endif

bool supported([[maybe_unused]] CpuLevel level) {
    if (level == CpuLevel::scalar) return true;
#if defined(__x86_64__)
    // The builtin also asks the operating system whether it saves the wide registers.
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    if (level == CpuLevel::avx2) return avx2;
    if (level == CpuLevel::avx512) return avx512;
    return avx512 && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi");
#else
    return false;
#endif
}

} // namespace

const char* cpu_level_name(CpuLevel level) {
    switch (level) {
        case CpuLevel::scalar:
            return "scalar";
        case CpuLevel::avx2:
            return "avx2";
        case CpuLevel::avx512:
            return "avx512";
        case CpuLevel::avx512_vnni:
            return "avx512-vnni";
    }
    return "unknown";
}

std::span<const CpuLevel> available_cpu_levels() {
    static const std::vector<CpuLevel> levels = [] {
        std::vector<CpuLevel> list;
        for (CpuLevel level : {CpuLevel::scalar, CpuLevel::avx2, CpuLevel::avx512, CpuLevel::avx512_vnni})
            if (supported(level)) list.push_back(level);
        return list;
    }();
    return levels;
}

} // namespace fp4
