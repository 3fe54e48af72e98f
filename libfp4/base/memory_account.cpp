#include "libfp4/base/memory_account.h"

#include <algorithm>

namespace fp4 {

uint64_t MemoryAccount::used() const {
    std::lock_guard lock(mutex_);
    return used_;
}

uint64_t MemoryAccount::limit() const {
    std::lock_guard lock(mutex_);
    return limit_;
}

uint64_t MemoryAccount::room(uint64_t device_free) const {
    std::lock_guard lock(mutex_);
    return limit_ == 0 ? device_free : std::min(device_free, limit_ - used_);
}

Result<void> MemoryAccount::fits(uint64_t bytes) const {
    if (limit_ == 0 || bytes <= limit_ - used_) return {};
    return error(Status::memory, device_, ": ", bytes, " bytes are wanted, but of the memory limit of ",
                 limit_, " bytes only ", limit_ - used_, " are free; close something or raise the limit");
}

Result<void> MemoryAccount::take(uint64_t bytes) {
    std::lock_guard lock(mutex_);
    FP4_TRY(fits(bytes));
    used_ += bytes;
    return {};
}

Result<void> MemoryAccount::check(uint64_t bytes) const {
    std::lock_guard lock(mutex_);
    return fits(bytes);
}

void MemoryAccount::give_back(uint64_t bytes) noexcept {
    std::lock_guard lock(mutex_);
    used_ -= bytes;
}

Result<void> MemoryAccount::set_limit(uint64_t bytes) {
    std::lock_guard lock(mutex_);
    if (bytes != 0 && bytes < used_) {
        return error(Status::state, device_, ": ", used_, " bytes are in use, more than a limit of ", bytes,
                     "; close something first");
    }
    limit_ = bytes;
    return {};
}

Result<MemoryShare> MemoryShare::take(MemoryAccount& account, uint64_t bytes) {
    FP4_TRY(account.take(bytes));
    MemoryShare share;
    share.account_ = &account;
    share.bytes_ = bytes;
    return share;
}

} // namespace fp4
