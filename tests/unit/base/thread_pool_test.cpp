#include "libfp4/base/thread_pool.h"

#include <doctest/doctest.h>

#include <vector>

using namespace fp4;

TEST_CASE("parallel_for visits every index exactly once") {
    for (int threads : {1, 2, 5}) {
        auto pool = ThreadPool::create(threads, ThreadPriority::low);
        REQUIRE(pool.ok());
        CHECK((*pool)->threads() == threads);
        for (int round = 0; round < 300; ++round) {
            size_t count = static_cast<size_t>(round * 7 % 65);
            std::vector<std::atomic<int>> visits(count);
            (*pool)->parallel_for(count, [&](size_t i) { visits[i].fetch_add(1); });
            for (auto& visit : visits) CHECK(visit.load() == 1);
        }
    }
}

TEST_CASE("a senseless thread count is refused") {
    CHECK(ThreadPool::create(-1, ThreadPriority::normal).error().status == Status::argument);
    CHECK(ThreadPool::create(1 << 20, ThreadPriority::normal).error().status == Status::argument);
}

TEST_CASE("parallel_for: no two items run at once under the same worker number") {
    auto pool = ThreadPool::create(4, ThreadPriority::normal);
    REQUIRE(pool.ok());
    std::vector<std::atomic<int>> busy(4);
    std::atomic<int> clashes{0}, total{0};
    for (int round = 0; round < 2000; ++round) {
        (*pool)->parallel_for(9, [&](size_t, size_t worker) {
            if (worker >= 4 || busy[worker].fetch_add(1) != 0) clashes.fetch_add(1);
            total.fetch_add(1);
            busy[worker].fetch_sub(1);
        });
        // A loop has ended completely before the next one starts.
        if (total.load() != 9 * (round + 1)) clashes.fetch_add(1);
    }
    CHECK(clashes.load() == 0);
}
