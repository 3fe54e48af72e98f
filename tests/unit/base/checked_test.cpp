#include "libfp4/base/checked.h"

#include <doctest/doctest.h>

using namespace fp4;

TEST_CASE("checked arithmetic refuses every overflow") {
    CHECK(checked_add(1, 2) == 3u);
    CHECK(!checked_add(UINT64_MAX, 1));
    CHECK(checked_mul(1ull << 31, 1ull << 31) == 1ull << 62);
    CHECK(!checked_mul(1ull << 33, 1ull << 33));
    CHECK(checked_mul(0, UINT64_MAX) == 0u);
    CHECK(checked_align_up(33, 32) == 64u);
    CHECK(checked_align_up(64, 32) == 64u);
    CHECK(!checked_align_up(UINT64_MAX - 3, 32));
    for (uint64_t bad : {0ull, 3ull, 0x80000001ull}) CHECK(!checked_align_up(64, bad));
    CHECK(ceil_div(0, 32) == 0);
    CHECK(ceil_div(UINT64_MAX, 2) == 1ull << 63);
}
