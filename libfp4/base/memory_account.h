// Bytes of one device that the library holds, and the most it may hold.
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "libfp4/base/result.h"

namespace fp4 {

// Any thread. Lives as long as the process: shares point to it.
class MemoryAccount {
  public:
    explicit MemoryAccount(std::string device) : device_(std::move(device)) {}
    MemoryAccount(const MemoryAccount&) = delete;

    uint64_t used() const;
    uint64_t limit() const; // 0: none
    // Of what the device has free, what may still be taken.
    uint64_t room(uint64_t device_free) const;

    // Status::memory beyond the limit; the message names it, what was wanted and what is left of it.
    Result<void> take(uint64_t bytes);
    // The same question without taking anything.
    Result<void> check(uint64_t bytes) const;
    void give_back(uint64_t bytes) noexcept;
    // Status::state where more than that is in use already. 0: no limit.
    Result<void> set_limit(uint64_t bytes);

  private:
    Result<void> fits(uint64_t bytes) const; // with the mutex held

    const std::string device_;
    mutable std::mutex mutex_;
    uint64_t used_ = 0;
    uint64_t limit_ = 0;
};

// Bytes taken from an account, given back on destruction.
class MemoryShare {
  public:
    static Result<MemoryShare> take(MemoryAccount& account, uint64_t bytes);

    MemoryShare() = default;
    MemoryShare(MemoryShare&& other) noexcept
        : account_(other.account_), bytes_(std::exchange(other.bytes_, 0)) {}
    MemoryShare& operator=(MemoryShare&& other) noexcept {
        std::swap(account_, other.account_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~MemoryShare() {
        if (bytes_ != 0) account_->give_back(bytes_);
    }

  private:
    MemoryAccount* account_ = nullptr;
    uint64_t bytes_ = 0;
};

} // namespace fp4
