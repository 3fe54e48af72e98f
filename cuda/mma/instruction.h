// PTX of the block-scaled instructions (sm_120a, sm_120f, sm_121a). Called through mma_fp4.h only.
#pragma once

#include "cuda/mma/lane.h"
#include "libfp4/format/block_format.h"

namespace fp4::cuda {

#ifdef __CUDACC__

template <BlockFormat format, int byte_id_a, int thread_id_a, int byte_id_b, int thread_id_b>
__device__ __forceinline__ void mma_fp4_native(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                               uint32_t scales_a, uint32_t scales_b) {
    if constexpr (format == BlockFormat::mxfp4) {
        asm volatile(
            "mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale.scale_vec::2X.f32.e2m1.e2m1.f32.ue8m0 "
            "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3}, {%10}, {%11,%12}, {%13}, {%14,%15};"
            : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(scales_a), "n"(byte_id_a),
              "n"(thread_id_a), "r"(scales_b), "n"(byte_id_b), "n"(thread_id_b));
    } else {
        asm volatile(
            "mma.sync.aligned.m16n8k64.row.col.kind::mxf4nvf4.block_scale.scale_vec::4X.f32.e2m1.e2m1.f32."
            "ue4m3 "
            "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3}, {%10}, {%11,%12}, {%13}, {%14,%15};"
            : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(scales_a), "n"(byte_id_a),
              "n"(thread_id_a), "r"(scales_b), "n"(byte_id_b), "n"(thread_id_b));
    }
}

// d[16 x 8] += a[16 x 32] b[32 x 8]: E2M1 codes in bits 5:2 of bytes times E4M3 bytes.
template <int byte_id_a, int thread_id_a, int byte_id_b, int thread_id_b>
__device__ __forceinline__ void mma_e2m1_e4m3_native(float (&d)[4], const uint32_t (&a)[4],
                                                     const uint32_t (&b)[2], uint32_t scales_a,
                                                     uint32_t scales_b) {
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.kind::mxf8f6f4.block_scale.scale_vec::1X.f32.e2m1.e4m3.f32.ue8m0 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3}, {%10}, {%11,%12}, {%13}, {%14,%15};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(scales_a), "n"(byte_id_a),
          "n"(thread_id_a), "r"(scales_b), "n"(byte_id_b), "n"(thread_id_b));
}

#else // the lane simulator has no such instruction; has_block_scaled_mma is false there

template <BlockFormat, int, int, int, int>
void mma_fp4_native(float (&)[4], const uint32_t (&)[4], const uint32_t (&)[2], uint32_t, uint32_t);
template <int, int, int, int>
void mma_e2m1_e4m3_native(float (&)[4], const uint32_t (&)[4], const uint32_t (&)[2], uint32_t, uint32_t);

#endif

} // namespace fp4::cuda
