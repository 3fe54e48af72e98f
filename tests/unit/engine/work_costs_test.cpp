// Costs and sizes of the pieces a generation works in: from numbers, never from a clock.
#include "libfp4/engine/work_costs.h"

#include <doctest/doctest.h>

#include <cstdint>

using namespace fp4;

namespace {

WorkCosts measured(double layer_per_token, double head_row) {
    WorkCosts costs;
    costs.layer_per_token.add(layer_per_token);
    costs.head_row.add(head_row);
    return costs;
}

} // namespace

TEST_CASE("an estimate follows a changed cost and forgets an interruption") {
    CostEstimate cost;
    CHECK(!cost.known());
    cost.add(100);
    CHECK(cost.us() == doctest::Approx(100)); // the first one counts whole
    for (int i = 0; i < 20; ++i) cost.add(400);
    CHECK(cost.us() == doctest::Approx(400).epsilon(0.02));
    for (int i = 0; i < 20; ++i) cost.add(50);
    CHECK(cost.us() == doctest::Approx(50).epsilon(0.02));

    cost.add(20'000); // the machine was away
    CHECK(cost.us() <= 50 * 1.35);
    for (int i = 0; i < 5; ++i) cost.add(50);
    CHECK(cost.us() == doctest::Approx(50).epsilon(0.1));

    CostEstimate begun_badly;
    begun_badly.add(20'000);
    int pieces = 0;
    for (; begun_badly.us() > 1000; ++pieces) begun_badly.add(50);
    CHECK(pieces <= 10);
}

TEST_CASE("passes of a prompt are a quarter of the budget, and never nothing") {
    WorkCosts unknown;
    CHECK(unknown.prompt_tokens(4000, 256) == 8);
    CHECK(unknown.prompt_tokens(4000, 3) == 3);
    CHECK(unknown.prompt_tokens(UINT64_MAX, 256) == 256);
    const WorkCosts costs = measured(25, 0.1);
    CHECK(costs.prompt_tokens(4000, 256) == 40);
    // Never alone: the next measurement must be one of passes of several.
    CHECK(costs.prompt_tokens(40, 256) == 2);
    CHECK(costs.prompt_tokens(0, 256) == 2);
    CHECK(costs.prompt_tokens(40, 1) == 1);
    CHECK(costs.prompt_tokens(4000, 7) == 7);
    CHECK(costs.prompt_tokens(UINT64_MAX, 256) == 256);
}

TEST_CASE("pieces of the head are a quarter of the budget, at most 64 of them") {
    constexpr size_t rows = 49152;
    WorkCosts unknown;
    CHECK(unknown.head_rows(4000, rows, rows) == rows / 64);
    CHECK(unknown.head_rows(UINT64_MAX, rows, rows) == rows);
    const WorkCosts costs = measured(25, 0.1);
    CHECK(costs.head_rows(4000, rows, rows) == 10'000);
    CHECK(costs.head_rows(4000, 9999, rows) == 9999);
    CHECK(costs.head_rows(0, rows, rows) == rows / 64);
    CHECK(costs.head_rows(0, 5, rows) == 5);
    CHECK(costs.head_rows(UINT64_MAX, rows, rows) == rows);
    for (size_t odd : {1, 15, 16, 17, 264, 1023, 1025, 151'936, 262'145}) {
        size_t pieces = 0;
        for (size_t left = odd; left > 0; ++pieces) {
            const size_t next = costs.head_rows(0, left, odd);
            REQUIRE(next >= 1);
            REQUIRE(next <= left);
            left -= next;
        }
        CAPTURE(odd);
        CHECK(pieces <= 64);
    }
}

TEST_CASE("a piece that was never measured begins a step of its own, unless nobody waits") {
    CostEstimate cost;
    CHECK(WorkCosts::expected_us(cost, 3, 4000) == 4000);
    CHECK(WorkCosts::expected_us(cost, 3, UINT64_MAX) == 0);
    cost.add(70);
    CHECK(WorkCosts::expected_us(cost, 3, 4000) == doctest::Approx(210));
}
