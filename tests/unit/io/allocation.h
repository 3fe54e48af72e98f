// Counts what this program takes through operator new, and can make it fail.
#pragma once

#include <cstdint>

namespace fp4::test {

// Most bytes held at one time by allocations since this object was made.
class AllocationPeak {
  public:
    AllocationPeak();
    uint64_t bytes() const;

  private:
    uint64_t start_;
};

// Operator new throws std::bad_alloc on the n-th call (from 0) of this thread while the object lives.
class FailingAllocation {
  public:
    explicit FailingAllocation(uint64_t n);
    ~FailingAllocation();
    bool failed() const; // whether that call was reached
};

} // namespace fp4::test
