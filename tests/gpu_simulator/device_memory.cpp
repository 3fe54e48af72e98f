#include "tests/gpu_simulator/device_memory.h"

#include <cstring>
#include <string>

#include "tests/gpu_simulator/fault.h"

namespace fp4::gpu_simulator {

void* GlobalMemory::allocate(size_t bytes) {
    constexpr size_t alignment = 256;
    const size_t taken = (bytes + alignment - 1) / alignment * alignment;
    if (taken < bytes || taken > free()) return nullptr;
    std::unique_ptr<uint8_t[]> memory(new (std::nothrow) uint8_t[taken + alignment]);
    if (!memory) return nullptr;
    uint8_t* data = memory.get() + (alignment - reinterpret_cast<uintptr_t>(memory.get()) % alignment);
    Range& range = ranges_[data];
    range.data = data;
    range.bytes = bytes;
    range.owned = std::move(memory);
    range.writer.assign((bytes + 3) / 4, 0);
    used_ += taken;
    return data;
}

bool GlobalMemory::release(void* data) {
    const auto found = ranges_.find(static_cast<uint8_t*>(data));
    if (found == ranges_.end() || !found->second.owned) return false;
    used_ -= (found->second.bytes + 255) / 256 * 256;
    ranges_.erase(found);
    return true;
}

void GlobalMemory::add(void* data, size_t bytes) {
    Range& range = ranges_[static_cast<uint8_t*>(data)];
    range.data = static_cast<uint8_t*>(data);
    range.bytes = bytes;
    range.writer.assign((bytes + 3) / 4, 0);
}

GlobalMemory::Range* GlobalMemory::find(const uint8_t* data, size_t bytes, Range* last) {
    auto holds = [&](const Range& range) {
        return data >= range.data && bytes <= range.bytes && size_t(data - range.data) <= range.bytes - bytes;
    };
    if (last && holds(*last)) return last;
    auto next = ranges_.upper_bound(const_cast<uint8_t*>(data));
    if (next == ranges_.begin()) return nullptr;
    Range& range = std::prev(next)->second;
    return holds(range) ? &range : nullptr;
}

SharedMemory::SharedMemory(size_t bytes) : data_(bytes), traces_(bytes) {
    reset();
}

void SharedMemory::reset() {
    std::memset(data_.data(), 0xA5, data_.size());
    for (Trace& trace : traces_) trace.known = false;
    ++phase_;
}

void SharedMemory::check(uint64_t address, size_t bytes, const char* access) const {
    if (bytes <= data_.size() && address <= data_.size() - bytes && address % bytes == 0) return;
    throw Fault(std::string(access) + " of " + std::to_string(bytes) + " bytes at " +
                std::to_string(address) + " of " + std::to_string(data_.size()) + " bytes of shared memory");
}

void SharedMemory::read(uint64_t address, void* to, size_t bytes, uint32_t warp) {
    check(address, bytes, "a read");
    for (size_t i = address; i < address + bytes; ++i) {
        Trace& trace = traces_[i];
        if (!trace.known) throw Fault("a read of shared memory that nobody wrote, at " + std::to_string(i));
        if (trace.written == phase_ && trace.writer != warp)
            throw Fault("a read of shared memory that another warp than " + std::to_string(warp) +
                        " writes, no barrier between, at " + std::to_string(i));
        trace.reader = trace.read == phase_ && trace.reader != warp ? several : static_cast<uint16_t>(warp);
        trace.read = phase_;
    }
    std::memcpy(to, data_.data() + address, bytes);
}

void SharedMemory::claim(uint64_t address, size_t bytes, uint32_t warp) {
    check(address, bytes, "a write");
    for (size_t i = address; i < address + bytes; ++i) {
        Trace& trace = traces_[i];
        if ((trace.written == phase_ && trace.writer != warp) ||
            (trace.read == phase_ && trace.reader != warp))
            throw Fault("a write to shared memory that another warp than " + std::to_string(warp) +
                        " uses, no barrier between, at " + std::to_string(i));
        trace.written = phase_;
        trace.writer = static_cast<uint16_t>(warp);
        trace.known = false;
    }
}

void SharedMemory::write(uint64_t address, const void* from, size_t bytes, uint32_t warp) {
    claim(address, bytes, warp);
    for (size_t i = address; i < address + bytes; ++i) traces_[i].known = true;
    std::memcpy(data_.data() + address, from, bytes);
}

uint8_t* SharedMemory::atomic(uint64_t address, size_t bytes, uint32_t warp) {
    check(address, bytes, "an atomic operation");
    for (size_t i = address; i < address + bytes; ++i) {
        Trace& trace = traces_[i];
        if (!trace.known) throw Fault("an atomic operation on shared memory that nobody wrote");
        const bool written =
                       trace.written == phase_ && trace.writer != several_atomic && trace.writer != warp,
                   read = trace.read == phase_ && trace.reader != warp;
        if (written || read)
            throw Fault("an atomic operation on shared memory that another warp than " +
                        std::to_string(warp) + " uses otherwise, no barrier between, at " +
                        std::to_string(i));
        trace.written = phase_;
        trace.writer = several_atomic;
    }
    return data_.data() + address;
}

} // namespace fp4::gpu_simulator
