#include "libfp4/base/host_allocator.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "libfp4/base/checked.h"

namespace fp4 {
namespace {

constexpr size_t max_alignment = 64;

// Stands right before each block: what to give back, and to whom.
struct Header {
    void* origin;                   // what the allocator returned
    size_t bytes;                   // what was asked of the allocator
    const HostAllocator* allocator; // null: the C library
    size_t alignment;               // likewise
};
static_assert(sizeof(Header) == 32);

std::atomic<const HostAllocator*> current{nullptr};
std::atomic<uint64_t> bytes_now{0};
std::atomic<uint64_t> bytes_high{0};

void count(size_t bytes) {
    uint64_t now = bytes_now.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    uint64_t high = bytes_high.load(std::memory_order_relaxed);
    while (now > high && !bytes_high.compare_exchange_weak(high, now, std::memory_order_relaxed)) {
    }
}

} // namespace

void set_host_allocator(const HostAllocator& allocator) {
    // Blocks remember their allocator by address, so each one set stays for good.
    void* place = std::malloc(sizeof(HostAllocator));
    if (!place) return;
    std::memcpy(place, &allocator, sizeof allocator);
    current.store(static_cast<const HostAllocator*>(place), std::memory_order_release);
}

void* host_allocate(size_t bytes, size_t alignment, bool zeroed) noexcept {
    const HostAllocator* allocator = current.load(std::memory_order_acquire);
    size_t align = alignment < alignof(Header) ? alignof(Header) : alignment;
    if (align > max_alignment) return nullptr;
    auto total = checked_add(bytes, sizeof(Header) + align);
    if (!total) return nullptr;
    void* origin = nullptr;
    if (allocator) {
        origin = allocator->allocate(allocator->user, *total, align);
        if (origin && zeroed) std::memset(origin, 0, *total);
    } else {
        origin = zeroed ? std::calloc(1, *total) : std::malloc(*total);
    }
    if (!origin) return nullptr;
    auto address = reinterpret_cast<uintptr_t>(origin) + sizeof(Header);
    address = (address + align - 1) / align * align;
    auto* header = reinterpret_cast<Header*>(address) - 1;
    *header = {origin, *total, allocator, align};
    count(*total);
    return reinterpret_cast<void*>(address);
}

void host_release(void* memory) noexcept {
    if (!memory) return;
    Header header = *(static_cast<Header*>(memory) - 1);
    bytes_now.fetch_sub(header.bytes, std::memory_order_relaxed);
    if (header.allocator) {
        header.allocator->release(header.allocator->user, header.origin, header.bytes, header.alignment);
    } else {
        std::free(header.origin);
    }
}

HostMemoryUse host_memory_use() {
    return {bytes_now.load(std::memory_order_relaxed), bytes_high.load(std::memory_order_relaxed)};
}

} // namespace fp4
