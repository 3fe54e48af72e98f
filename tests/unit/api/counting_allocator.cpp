#include "tests/unit/api/counting_allocator.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace fp4::test {
namespace {

// Before each block, so that what is given back can be compared with what was asked for.
struct Tag {
    uint64_t magic;
    uint64_t bytes;
    uint64_t alignment;
};
constexpr uint64_t magic = 0x466f7572426974ull;
constexpr size_t room = 64; // keeps every alignment

void* allocate(void* user, size_t bytes, size_t alignment) {
    auto& self = *static_cast<CountingAllocator*>(user);
    const int64_t call = ++self.calls;
    const auto how = self.failing.load();
    const bool fails = how == CountingAllocator::Failing::once           ? call == self.fail_at
                       : how == CountingAllocator::Failing::from_then_on ? call >= self.fail_at
                                                                         : false;
    if (fails) {
        ++self.failed;
        return nullptr;
    }
    if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > 64) ++self.wrong;
    auto* base = static_cast<unsigned char*>(std::aligned_alloc(64, (bytes + room + 63) / 64 * 64));
    if (!base) return nullptr;
    new (base) Tag{magic, bytes, alignment};
    std::memset(base + room, 0xA5, bytes); // nothing may rely on zeros
    self.bytes += static_cast<int64_t>(bytes);
    ++self.blocks;
    return base + room;
}

void release(void* user, void* memory, size_t bytes, size_t alignment) {
    auto& self = *static_cast<CountingAllocator*>(user);
    auto* base = static_cast<unsigned char*>(memory) - room;
    auto* tag = reinterpret_cast<Tag*>(base);
    if (tag->magic != magic || tag->bytes != bytes || tag->alignment != alignment) ++self.wrong;
    tag->magic = 0;
    self.bytes -= static_cast<int64_t>(bytes);
    --self.blocks;
    std::free(base);
}

} // namespace

fp4_allocator CountingAllocator::abi() {
    fp4_allocator allocator{};
    allocator.size = sizeof allocator;
    allocator.user = this;
    allocator.allocate = allocate;
    allocator.release = release;
    return allocator;
}

} // namespace fp4::test
