#include "tests/unit/api/memory_faults.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace fp4::test {

namespace {

// Of this process, where the system lists them.
size_t open_files() {
    namespace fs = std::filesystem;
    std::error_code ignored;
    size_t count = 0;
    for (auto entry = fs::directory_iterator("/proc/self/fd", ignored); entry != fs::directory_iterator();
         ++entry)
        ++count;
    return count;
}

CountingAllocator* install() {
    auto* created = new CountingAllocator;
    fp4_allocator abi = created->abi();
    if (fp4_set_allocator(&abi) != FP4_OK) std::abort();
    return created;
}

CountingAllocator* const installed = install(); // before any handle of any test

} // namespace

CountingAllocator& allocator() {
    return *installed;
}

void exhaust(const char* name, const std::function<fp4_status()>& attempt) {
    CountingAllocator& memory = allocator();
    REQUIRE_MESSAGE(attempt() >= 0, name);
    REQUIRE_MESSAGE(attempt() >= 0, name); // what is made once exists now
    const int64_t bytes = memory.bytes, blocks = memory.blocks;
    const size_t files = open_files();
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
            REQUIRE(open_files() == files);
        }
    }
    MESSAGE(std::string(name) << ": " << failures << " failures");
    CHECK(failures > 0);
    CHECK(attempt() >= 0);
    CHECK(memory.bytes == bytes);
    CHECK(open_files() == files);
    CHECK(memory.wrong == 0);
}

} // namespace fp4::test
