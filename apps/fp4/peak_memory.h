#pragma once

#include <cstdint>

namespace fp4::program {

/// Peak resident memory of this process in bytes, since the last reset where the system can do that.
uint64_t peak_memory();
void reset_peak_memory();

} // namespace fp4::program
