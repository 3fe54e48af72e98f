#include "tests/gpu_simulator/fatbin.h"

#include <cstdint>
#include <cstring>

#include "tests/gpu_simulator/fault.h"

namespace fp4::gpu_simulator {
namespace {

template <class T>
T read(const uint8_t* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

} // namespace

std::string ptx_of(const void* fatbin, int capability) {
    // A header (magic, version, its bytes, bytes of all entries), then entries: kind, version, bytes of the
    // header, of the content (padded), compressed bytes, ..., compute capability.
    const auto* data = static_cast<const uint8_t*>(fatbin);
    if (read<uint32_t>(data) != 0xBA55ED50) throw Fault("no container of device code");
    const uint8_t* entry = data + read<uint16_t>(data + 6);
    const uint8_t* end = entry + read<uint64_t>(data + 8);
    std::string best;
    int best_capability = 0;
    while (entry < end) {
        const uint32_t header = read<uint32_t>(entry + 4);
        const uint64_t bytes = read<uint64_t>(entry + 8);
        const int for_capability = static_cast<int>(read<uint32_t>(entry + 28));
        constexpr uint16_t ptx = 1;
        if (read<uint16_t>(entry) == ptx && for_capability <= capability &&
            for_capability > best_capability) {
            if (read<uint32_t>(entry + 16) != 0)
                throw Fault("compressed PTX; nvcc's --no-compress leaves it as it is");
            best.assign(reinterpret_cast<const char*>(entry + header), bytes);
            best_capability = for_capability;
        }
        entry += header + bytes;
    }
    return best;
}

} // namespace fp4::gpu_simulator
