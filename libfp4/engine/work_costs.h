// What the pieces of a generation's work cost, as measured so far, and how large they may be for a time
// budget.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace fp4 {

// A smoothed measurement. One that is far too long says that the machine did something else meanwhile: it
// counts as at most twice what was known, so that the estimate stays useful and a real change is learned
// within a few pieces.
class CostEstimate {
  public:
    bool known() const { return us_ > 0; }
    double us() const { return us_; }
    void add(double measured_us) {
        constexpr double newest = 0.3, most_growth = 2;
        us_ = known() ? us_ + newest * (std::min(measured_us, most_growth * us_) - us_) : measured_us;
    }

  private:
    double us_ = 0;
};

struct WorkCosts {
    CostEstimate layer_per_token; // of a pass of several tokens
    CostEstimate decode_layer;    // of a pass of one
    CostEstimate head_row;
    CostEstimate draw;

    // From this budget on nobody waits for the end of a step: pieces need not be small.
    static constexpr uint64_t unhurried_us = 1'000'000;
    // Most pieces the head is divided into.
    static constexpr size_t head_pieces = 64;

    // Where a piece can be divided it is made to take at most a quarter of the budget.
    // Tokens of the next pass of a prompt, 2..most, or 1 where most is.
    size_t prompt_tokens(uint64_t budget_us, size_t most) const;
    // Rows of the next piece of the head, 1..left.
    size_t head_rows(uint64_t budget_us, size_t left, size_t rows) const;

    // What to expect of a piece of `units` times this cost. Unmeasured, it is to begin a step.
    static double expected_us(const CostEstimate& cost, size_t units, uint64_t budget_us);
};

} // namespace fp4
