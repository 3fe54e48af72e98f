// Device memory, and pinned memory of the host, that free themselves. All of the backend's memory comes from
// here, and here it is counted. What the driver takes for itself (its context, kernels, graphs) is not.
#pragma once

#include <utility>

#include "cuda/cuda_status.h"
#include "libfp4/base/memory_account.h"

namespace fp4::cuda {

// Of the device, which is the first one. Pinned memory is the host's.
MemoryAccount& device_account();

class DeviceMemory {
  public:
    // Zeroed. Status::memory when there is none, or the account's limit leaves none.
    static Result<DeviceMemory> create(uint64_t bytes);

    DeviceMemory() = default;
    DeviceMemory(DeviceMemory&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          bytes_(std::exchange(other.bytes_, 0)),
          share_(std::move(other.share_)) {}
    DeviceMemory& operator=(DeviceMemory&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        std::swap(share_, other.share_);
        return *this;
    }
    ~DeviceMemory() { cudaFree(data_); }

    uint8_t* data() const { return data_; }
    template <class T>
    T* as() const {
        return reinterpret_cast<T*>(data_);
    }
    size_t bytes() const { return bytes_; }

  private:
    uint8_t* data_ = nullptr;
    size_t bytes_ = 0;
    MemoryShare share_;
};

// Memory of the host that kernels write to.
class PinnedMemory {
  public:
    // Zeroed. Status::memory when there is none.
    static Result<PinnedMemory> create(uint64_t bytes);

    PinnedMemory() = default;
    PinnedMemory(PinnedMemory&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
    PinnedMemory& operator=(PinnedMemory&& other) noexcept {
        std::swap(data_, other.data_);
        return *this;
    }
    ~PinnedMemory() { cudaFreeHost(data_); }

    template <class T>
    T* as() const {
        return static_cast<T*>(data_);
    }

  private:
    void* data_ = nullptr;
};

// For tests: the allocation after the next `count` ones fails, and all later ones; -1 switches that off.
void fail_allocations_after(int64_t count);

} // namespace fp4::cuda
