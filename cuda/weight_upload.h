// Weights on their way to the device, in pieces through pinned memory: while one is transferred and packed
// the host reads the next one.
#pragma once

#include <array>
#include <mutex>

#include "cuda/device/weight_view.h"
#include "cuda/device_memory.h"
#include "libfp4/base/thread_pool.h"

namespace fp4::cuda {

class WeightUpload {
  public:
    static Result<std::shared_ptr<WeightUpload>> create();
    ~WeightUpload();

    // One weight at a time.
    std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
    // `rows` rows of `row` bytes, to the start of every `pitch` bytes of the target.
    Result<void> copy(const uint8_t* source, size_t row, size_t rows, uint8_t* target, size_t pitch);
    // Codes and scales into the packed layout; target: of all rows, zeroed.
    Result<void> pack(const HostWeight& weight, const WeightView& target, uint8_t* codes, uint8_t* scales);
    cudaStream_t stream() const { return stream_; }
    Result<void> finish(); // waits

  private:
    struct Slot {
        PinnedMemory host;
        DeviceMemory device;
        size_t bytes = 0;
        cudaEvent_t free = nullptr; // its last piece has left it
    };
    // memcpy, by several threads where that is worth it: one reads the page cache at a fraction of what the
    // device takes.
    void copy_in(uint8_t* target, const uint8_t* source, size_t bytes);
    // The next slot, when it is free, with room for that.
    Result<Slot*> next_slot(size_t bytes, bool staged);
    Result<void> sent(Slot& slot);

    std::mutex mutex_;
    std::unique_ptr<ThreadPool> pool_;
    cudaStream_t stream_ = nullptr;
    std::array<Slot, 2> slots_;
    size_t next_ = 0;
};

} // namespace fp4::cuda
