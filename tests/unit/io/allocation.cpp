#include "tests/unit/io/allocation.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<uint64_t> held = 0, peak = 0;
thread_local int64_t calls_left = -1; // -1: no failure is asked for
thread_local bool reached = false;

} // namespace

void* operator new(std::size_t bytes) {
    if (calls_left >= 0 && calls_left-- == 0) {
        reached = true;
        throw std::bad_alloc();
    }
    void* memory = std::malloc(std::max<std::size_t>(bytes, 1));
    if (!memory) throw std::bad_alloc();
    held += malloc_usable_size(memory);
    if (held > peak) peak = held.load();
    return memory;
}

void operator delete(void* memory) noexcept {
    held -= memory ? malloc_usable_size(memory) : 0;
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    operator delete(memory);
}

namespace fp4::test {

AllocationPeak::AllocationPeak() : start_(held) {
    peak = held.load();
}

uint64_t AllocationPeak::bytes() const {
    return peak - start_;
}

FailingAllocation::FailingAllocation(uint64_t n) {
    calls_left = static_cast<int64_t>(n);
    reached = false;
}

FailingAllocation::~FailingAllocation() {
    calls_left = -1;
}

bool FailingAllocation::failed() const {
    return reached;
}

} // namespace fp4::test
