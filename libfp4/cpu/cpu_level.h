// Instruction-set levels of the SIMD kernels and which of them this machine can run.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace fp4 {

enum class CpuLevel : uint8_t {
    scalar,      // plain C++, every machine
    avx2,        // AVX2, FMA, F16C
    avx512,      // AVX-512 F, BW, VL, DQ
    avx512_vnni, // and VNNI, VBMI (Ice Lake, Zen 4 and later)
};

const char* cpu_level_name(CpuLevel level); // "avx512-vnni" ...

// Levels that are built and supported by the processor and the system, lowest first; never empty.
std::span<const CpuLevel> available_cpu_levels();

} // namespace fp4
