// The simulated device's memory: host memory whose every access is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace fp4::gpu_simulator {

class GlobalMemory {
  public:
    struct Range {
        uint8_t* data = nullptr;
        size_t bytes = 0;
        std::unique_ptr<uint8_t[]> owned;
        std::vector<uint32_t> writer; // the number of the kernel that wrote last, per 4 bytes
    };

    explicit GlobalMemory(size_t total) : total_(total) {}

    void* allocate(size_t bytes); // null when there is no room
    bool release(void* data);
    void add(void* data, size_t bytes); // host memory that kernels may reach
    void remove(void* data) { ranges_.erase(static_cast<uint8_t*>(data)); }
    size_t total() const { return total_; }
    size_t free() const { return total_ - used_; }

    // The range that holds all these bytes, or null. `last`: a guess.
    Range* find(const uint8_t* data, size_t bytes, Range* last);

    // Kernels are numbered as they start. Those from `unfinished` on may still run while the next one begins.
    uint32_t kernel = 1, unfinished = 1;

  private:
    std::map<uint8_t*, Range> ranges_;
    size_t total_, used_ = 0;
};

// Shared memory of a block. Between two barriers, what one warp writes no other may touch.
class SharedMemory {
  public:
    explicit SharedMemory(size_t bytes);
    size_t bytes() const { return data_.size(); }
    void reset(); // garbage, as a block finds it
    void pass_barrier() { ++phase_; }

    // Throw a Fault that says what is wrong. warp: below several_atomic.
    void read(uint64_t address, void* to, size_t bytes, uint32_t warp);
    void write(uint64_t address, const void* from, size_t bytes, uint32_t warp);
    void claim(uint64_t address, size_t bytes, uint32_t warp); // an asynchronous copy that has begun
    uint8_t* atomic(uint64_t address, size_t bytes, uint32_t warp);

  private:
    struct Trace {
        uint32_t written = 0, read = 0;  // the phase of the last
        uint16_t writer = 0, reader = 0; // its warp, or several
        bool known = false;              // holds something
    };
    static constexpr uint16_t several = 0xFFFF,
                              several_atomic = 0xFFFE; // readers; writers, by atomic operations
    void check(uint64_t address, size_t bytes, const char* access) const;

    std::vector<uint8_t> data_;
    std::vector<Trace> traces_;
    uint32_t phase_ = 1;
};

} // namespace fp4::gpu_simulator
