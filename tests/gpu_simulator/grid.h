// Runs a kernel over its grid: blocks one after another (those of a cluster together), their warps in turns
// from barrier to barrier, forwards and backwards by turns, so that an order that nobody promised does not
// hold.
#pragma once

#include "tests/gpu_simulator/warp.h"

namespace fp4::gpu_simulator {

struct Launch {
    const Function* kernel = nullptr;
    Dim grid, block;
    size_t dynamic_shared = 0; // bytes
    unsigned cluster = 1;      // neighbouring blocks along x
    bool overlaps = false;     // may begin before the kernels before it are done
    std::span<const uint8_t> parameters;
};

void run_grid(const Launch& launch, GlobalMemory& memory); // throws Fault

} // namespace fp4::gpu_simulator
