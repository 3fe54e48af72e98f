// Two neighbouring blocks that run at the same time and reach each other's shared memory (PTX ISA, thread
// block clusters; compute capability 9.0).
#pragma once

#include <cstdint>

namespace fp4::cuda {

// All threads of both blocks call these by turns. What a thread wrote before it arrived is seen by those that
// have waited.
__device__ inline void arrive_pair() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
#endif
}
__device__ inline void wait_pair() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
#endif
}

// Into the first block's shared memory, to the place that `place` is in the own one.
__device__ inline void store_to_first(float* place, float value) {
#if __CUDA_ARCH__ >= 900
    const auto own = static_cast<uint32_t>(__cvta_generic_to_shared(place));
    asm volatile(
        "{\n"
        ".reg .b32 there;\n"
        "mapa.shared::cluster.u32 there, %0, 0;\n"
        "st.shared::cluster.f32 [there], %1;\n"
        "}" ::"r"(own),
        "f"(value)
        : "memory");
#endif
}

} // namespace fp4::cuda
