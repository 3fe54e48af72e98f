// The shared library carries its own C++ run time; all of its containers then allocate through the host's
// allocator. Sanitizer builds keep the sanitizer's operators.
#include <new>

#include "libfp4/base/host_allocator.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(FP4_SANITIZER)

namespace {

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
    if (void* memory = fp4::host_allocate(bytes, alignment, false)) return memory;
    throw std::bad_alloc();
}

constexpr std::size_t usual = alignof(std::max_align_t);

} // namespace

void* operator new(std::size_t bytes) {
    return allocate_or_throw(bytes, usual);
}
void* operator new[](std::size_t bytes) {
    return allocate_or_throw(bytes, usual);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
    return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return fp4::host_allocate(bytes, usual, false);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
    return fp4::host_allocate(bytes, usual, false);
}

void operator delete(void* memory) noexcept {
    fp4::host_release(memory);
}
void operator delete[](void* memory) noexcept {
    fp4::host_release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    fp4::host_release(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    fp4::host_release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    fp4::host_release(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
    fp4::host_release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    fp4::host_release(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
    fp4::host_release(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
    fp4::host_release(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
    fp4::host_release(memory);
}

#endif
