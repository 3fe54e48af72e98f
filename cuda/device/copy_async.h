// Copies from global to shared memory that a thread does not wait for (PTX ISA, cp.async).
#pragma once

#include <cstdint>

namespace fp4::cuda {

// 16 bytes, through the first-level cache: others of the multiprocessor read the same. target: an address in
// shared memory.
__device__ inline void copy_async(uint32_t target, const void* source) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(target), "l"(source) : "memory");
}
__device__ inline void copy_async(void* target, const void* source) {
    copy_async(static_cast<uint32_t>(__cvta_generic_to_shared(target)), source);
}

__device__ inline void commit_copies() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

// Until at most `later` of the committed groups of this thread are under way.
template <int later>
__device__ inline void wait_for_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(later) : "memory");
}

// Until all copies of this thread have come, those that were not committed too.
__device__ inline void wait_for_all_copies() {
    asm volatile("cp.async.wait_all;" ::: "memory");
}

} // namespace fp4::cuda
