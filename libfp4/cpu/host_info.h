// What this machine is: processor name and memory.
#pragma once

#include <cstdint>
#include <string>

namespace fp4 {

struct HostMemory {
    uint64_t total = 0; // bytes; 0 when the system does not say
    uint64_t free = 0;  // what can be had without swapping
};

HostMemory host_memory();
std::string processor_name();

} // namespace fp4
