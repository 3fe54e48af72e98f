// Every kernel file includes this first. It is compiled once per level: the build sets the level's compiler
// flags and FP4_CPU_LEVEL, the namespace that keeps the copies apart. Kernel files use no inline function of
// the standard library: the linker would keep one copy of it, possibly with instructions the processor lacks.
#pragma once

#include "libfp4/cpu/kernels/kernels.h"

#if defined(__AVX512F__)
#include "libfp4/cpu/kernels/vec_avx512.h"
#elif defined(__AVX2__)
#include "libfp4/cpu/kernels/vec_avx2.h"
#else
#include "libfp4/cpu/kernels/vec_scalar.h"
#endif

namespace fp4::FP4_CPU_LEVEL {

inline size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

inline void emit(const LinearOut& out, size_t t, size_t r, float value) {
    if (out.bias) value += out.bias[r];
    float& target = out.data[t * out.stride + r];
    target = out.accumulate ? target + value : value;
}

} // namespace fp4::FP4_CPU_LEVEL
