// exp for vectors: relative error below 2e-7 for x in [-87, 88]; 0 below, clamped above.
#pragma once

#include "libfp4/cpu/kernels/level.h"

namespace fp4::FP4_CPU_LEVEL {

// x = n ln 2 + r, |r| <= ln 2 / 2; ln 2 in two parts so that n ln 2 is exact (Cody and Waite 1980); e^r by
// its minimax polynomial of degree 6 (Cephes expf).
inline F exp(F x) {
    F lowest = set(-87.3f);
    F clamped = max(lowest, min(set(88.0f), x)); // in this order NaN stays NaN
    F n = round(clamped * set(1.44269504f));
    F r = fma(n, set(-0.693359375f), clamped);
    r = fma(n, set(2.12194440e-4f), r);
    F p = set(1.9875691500e-4f);
    p = fma(p, r, set(1.3981999507e-3f));
    p = fma(p, r, set(8.3334519073e-3f));
    p = fma(p, r, set(4.1665795894e-2f));
    p = fma(p, r, set(1.6666665459e-1f));
    p = fma(p, r, set(5.0000001201e-1f));
    p = fma(p, r * r, r) + set(1.0f);
    return zero_below(x, lowest, times_exp2(p, n));
}

} // namespace fp4::FP4_CPU_LEVEL
