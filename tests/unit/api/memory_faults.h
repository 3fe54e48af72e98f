// Operations repeated with every allocation failing in turn.
#pragma once

#include <fp4.h>

#include <functional>

#include "tests/unit/api/counting_allocator.h"

namespace fp4::test {

// The library's allocator from the first call on. One for the process: blocks of static objects stay with it.
CountingAllocator& allocator();

// attempt: an operation that closes all it opened; gives the first failure, or a status >= 0.
// Runs it with the n-th allocation failing, alone or with all after it, for growing n until it no longer
// meets the failure: each time the operation must end with FP4_E_MEMORY (or not mind) and give everything
// back.
void exhaust(const char* name, const std::function<fp4_status()>& attempt);

} // namespace fp4::test
