#include "peak_memory.h"

#include <sys/resource.h>

#include <cstdio>

namespace fp4::program {
namespace {

constexpr uint64_t kib = 1024; // what Linux counts in

} // namespace

uint64_t peak_memory() {
    // getrusage() knows the peak of the whole life only.
    if (std::FILE* status = std::fopen("/proc/self/status", "r")) {
        char line[256];
        unsigned long long peak = 0;
        while (peak == 0 && std::fgets(line, sizeof line, status)) std::sscanf(line, "VmHWM: %llu", &peak);
        std::fclose(status);
        if (peak > 0) return peak * kib;
    }
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<uint64_t>(usage.ru_maxrss) * kib;
}

void reset_peak_memory() {
    // proc(5): 5 resets the peak.
    if (std::FILE* refs = std::fopen("/proc/self/clear_refs", "w")) {
        std::fputs("5", refs);
        std::fclose(refs);
    }
}

} // namespace fp4::program
