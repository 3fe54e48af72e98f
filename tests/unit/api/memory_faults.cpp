#include "tests/unit/api/memory_faults.h"

#include <doctest/doctest.h>

#include <string>

namespace fp4::test {

CountingAllocator& allocator() {
    static CountingAllocator* instance = [] {
        auto* created = new CountingAllocator;
        fp4_allocator abi = created->abi();
        REQUIRE(fp4_set_allocator(&abi) == FP4_OK);
        return created;
    }();
    return *instance;
}

void exhaust(const char* name, const std::function<fp4_status()>& attempt) {
    CountingAllocator& memory = allocator();
    REQUIRE_MESSAGE(attempt() >= 0, name);
    REQUIRE_MESSAGE(attempt() >= 0, name); // what is made once exists now
    const int64_t bytes = memory.bytes, blocks = memory.blocks;
    int64_t failures = 0;
    for (auto how : {CountingAllocator::Failing::once, CountingAllocator::Failing::from_then_on}) {
        for (int64_t n = 1;; n += 1 + n / 150) {
            memory.fail(how, n);
            const fp4_status status = attempt();
            const std::string message = fp4_last_error();
            memory.recover();
            if (memory.failed == 0) {
                REQUIRE(status >= 0);
                break;
            }
            CAPTURE(name);
            CAPTURE(n);
            CAPTURE(message);
            // A lost log message is no failure.
            if (status < 0) {
                ++failures;
                REQUIRE(status == FP4_E_MEMORY);
            }
            REQUIRE(memory.bytes == bytes);
            REQUIRE(memory.blocks == blocks);
        }
    }
    MESSAGE(name << ": " << failures << " failures");
    CHECK(failures > 0);
    CHECK(attempt() >= 0);
    CHECK(memory.bytes == bytes);
    CHECK(memory.wrong == 0);
}

} // namespace fp4::test
