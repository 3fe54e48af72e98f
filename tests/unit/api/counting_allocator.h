// A host allocator that counts, checks what it gets back, and can run out of memory at any call.
#pragma once

#include <fp4.h>

#include <atomic>
#include <cstdint>

namespace fp4::test {

struct CountingAllocator {
    enum class Failing { never, once, from_then_on };

    std::atomic<int64_t> bytes{0};
    std::atomic<int64_t> blocks{0};
    std::atomic<int64_t> calls{0};
    std::atomic<int64_t> fail_at{0}; // the number of the call, counted from 1
    std::atomic<Failing> failing{Failing::never};
    std::atomic<int64_t> failed{0};
    std::atomic<int64_t> wrong{0}; // releases or requests against the rules

    fp4_allocator abi();
    void fail(Failing how, int64_t at) {
        calls = 0;
        failed = 0;
        fail_at = at;
        failing = how;
    }
    void recover() { failing = Failing::never; }
};

} // namespace fp4::test
