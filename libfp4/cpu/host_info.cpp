#include "libfp4/cpu/host_info.h"

#include <cstdio>
#include <cstring>
#include <memory>

#if defined(__linux__)
#include <sys/sysinfo.h>
#endif
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

namespace fp4 {
namespace {

// The value of one line "key : value" of a /proc file; empty when there is none.
std::string proc_value(const char* path, const char* key) {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "r"), std::fclose);
    if (!file) return {};
    std::string value;
    char line[512];
    while (value.empty() && std::fgets(line, sizeof line, file.get())) {
        if (std::strncmp(line, key, std::strlen(key)) != 0) continue;
        const char* colon = std::strchr(line, ':');
        if (!colon) continue;
        value = colon + 1;
        size_t first = value.find_first_not_of(" \t");
        size_t last = value.find_last_not_of(" \t\r\n");
        value = first == std::string::npos ? std::string() : value.substr(first, last - first + 1);
    }
    return value;
}

} // namespace

HostMemory host_memory() {
    HostMemory memory;
#if defined(__linux__)
    struct sysinfo info;
    if (sysinfo(&info) == 0) {
        memory.total = static_cast<uint64_t>(info.totalram) * info.mem_unit;
        memory.free = static_cast<uint64_t>(info.freeram) * info.mem_unit;
    }
    // MemAvailable counts the page cache that can be dropped; sysinfo does not.
    unsigned long long kib = 0;
    if (std::sscanf(proc_value("/proc/meminfo", "MemAvailable").c_str(), "%llu", &kib) == 1)
        memory.free = kib * 1024;
#endif
    return memory;
}

std::string processor_name() {
#if defined(__x86_64__) || defined(__i386__)
    // The brand string: leaves 0x80000002..4, 16 characters each (Intel SDM volume 2A, CPUID).
    unsigned words[12] = {};
    bool known = true;
    for (unsigned i = 0; i < 3; ++i) {
        unsigned* w = words + 4 * i;
        known = known && __get_cpuid(0x80000002u + i, &w[0], &w[1], &w[2], &w[3]);
    }
    if (known) {
        char text[sizeof words + 1] = {};
        std::memcpy(text, words, sizeof words);
        const char* start = text;
        while (*start == ' ') ++start;
        std::string name = start;
        while (!name.empty() && name.back() == ' ') name.pop_back();
        if (!name.empty()) return name;
    }
#endif
    std::string name = proc_value("/proc/cpuinfo", "model name");
    return name.empty() ? "unknown processor" : name;
}

} // namespace fp4
