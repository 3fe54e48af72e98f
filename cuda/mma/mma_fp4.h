// The block-scaled FP4 tensor-core instruction of sm_120, and what stands in for it elsewhere. This file
// holds the only architecture #if of the project.
//
// d[16 x 8] += a[16 x 64] b[64 x 8] with a block scale for every row (column) and 32 (MXFP4) or 16 (NVFP4)
// elements of k. With lane l, g = l / 4, t = l % 4, nibble i = bits 4i+3 : 4i:
//   a[r]  row g + 8 (r & 1), k = 8t + i + 32 (r >> 1)
//   b[r]  column g,          k = 8t + i + 32 r
//   d[j]  row g + 8 (j >> 1), column 2t + (j & 1)
//   scales of row m come from lane 4 (m % 8) + 2 thread_id_a + m / 8, of column n from lane 4n + thread_id_b;
//   MXFP4: byte byte_id for k < 32, byte_id + 1 for the rest (byte_id is 0 or 2); NVFP4: byte k / 16.
// So one word per lane serves two row tiles (thread_id_a 0, 1), four column tiles (thread_id_b 0..3) and, for
// MXFP4, two k steps.
#pragma once

#include "cuda/mma/emulate_exact.h"
#include "cuda/mma/emulate_fast.h"
#include "cuda/mma/instruction.h"

namespace fp4::cuda {

#if defined(__CUDA_ARCH_FAMILY_SPECIFIC__) && __CUDA_ARCH_FAMILY_SPECIFIC__ >= 1200 && \
    __CUDA_ARCH_FAMILY_SPECIFIC__ < 1300
inline constexpr bool has_block_scaled_mma = true;
#else
inline constexpr bool has_block_scaled_mma = false;
#endif

// How GPUs without the instruction compute it: bit by bit, or on fp16 tensor cores.
enum class Emulation { exact, fast };

// fresh: d = a b instead.
template <BlockFormat format, Emulation emulation, int byte_id_a, int thread_id_a, int byte_id_b,
          int thread_id_b, bool fresh = false>
__device__ __forceinline__ void mma_fp4(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                        uint32_t scales_a, uint32_t scales_b) {
    static_assert(format == BlockFormat::mxfp4 || format == BlockFormat::nvfp4);
    static_assert(thread_id_a >= 0 && thread_id_a < 2 && thread_id_b >= 0 && thread_id_b < 4);
    static_assert(byte_id_a % 2 == 0 && byte_id_b % 2 == 0);
    static_assert(format == BlockFormat::mxfp4 ? byte_id_a < 4 && byte_id_b < 4
                                               : byte_id_a == 0 && byte_id_b == 0);
    if constexpr (fresh) d[0] = d[1] = d[2] = d[3] = 0.0f;
    if constexpr (has_block_scaled_mma) {
        mma_fp4_native<format, byte_id_a, thread_id_a, byte_id_b, thread_id_b>(d, a, b, scales_a, scales_b);
    } else if constexpr (emulation == Emulation::exact) {
        mma_fp4_exact<format, byte_id_a, thread_id_a, byte_id_b, thread_id_b>(d, a, b, scales_a, scales_b);
    } else if constexpr (format == BlockFormat::mxfp4) {
        mma_mxfp4_fast<byte_id_a, thread_id_a, byte_id_b, thread_id_b>(d, a, b, scales_a, scales_b);
    } else {
        mma_nvfp4_fast<thread_id_a, thread_id_b>(d, a, b, scales_a, scales_b);
    }
}

// d[16 x 8] += a[16 x 32] b[32 x 8], MXFP4 rows times MXFP8 (E4M3) columns, one scale each for the 32:
//   a[r]  byte i, code in bits 5:2: row g + 8 (r & 1), k = 4t + i + 16 (r >> 1)
//   b[r]  byte i: column g, k = 4t + i + 16 r
//   scales from the same lanes as above, byte byte_id (0..3).
template <int byte_id_a, int thread_id_a, int byte_id_b, int thread_id_b, bool fresh = false>
__device__ __forceinline__ void mma_e2m1_e4m3(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                              uint32_t scales_a, uint32_t scales_b) {
    if constexpr (fresh) d[0] = d[1] = d[2] = d[3] = 0.0f;
    if constexpr (has_block_scaled_mma) {
        mma_e2m1_e4m3_native<byte_id_a, thread_id_a, byte_id_b, thread_id_b>(d, a, b, scales_a, scales_b);
    } else {
        mma_e2m1_e4m3_fast<byte_id_a, thread_id_a, byte_id_b, thread_id_b>(d, a, b, scales_a, scales_b);
    }
}

} // namespace fp4::cuda
