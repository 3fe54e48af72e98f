// All host memory of the library goes through here, so that a host can bring its own allocator and see what
// is used.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libfp4/base/result.h"

namespace fp4 {

struct HostAllocator {
    void* user = nullptr;
    void* (*allocate)(void* user, size_t bytes, size_t alignment) = nullptr; // null result: no memory
    void (*release)(void* user, void* memory, size_t bytes, size_t alignment) = nullptr;
};

// Takes effect for blocks allocated from now on; every block goes back to the allocator it came from.
void set_host_allocator(const HostAllocator& allocator);

// alignment: a power of two of at most 64. Null when there is no memory. zeroed blocks are taken lazily from
// the system where it can do that.
void* host_allocate(size_t bytes, size_t alignment, bool zeroed) noexcept;
void host_release(void* memory) noexcept; // null is allowed

struct HostMemoryUse {
    uint64_t now = 0;
    uint64_t high_water = 0;
};
HostMemoryUse host_memory_use();

} // namespace fp4
