#include "cuda/device_memory.h"

#include <atomic>
#include <cstring>

namespace fp4::cuda {
namespace {

std::atomic<int64_t> allocations_left = -1;

bool injected_failure() {
    if (allocations_left < 0 || allocations_left.fetch_sub(1) > 0) return false;
    allocations_left = 0;
    return true;
}

cudaError_t allocate(void** memory, size_t bytes) {
    if (injected_failure()) return cudaErrorMemoryAllocation;
    constexpr size_t address_space = size_t(1) << 47; // sizes beyond it are no valid argument to CUDA
    if (bytes >= address_space) return cudaErrorMemoryAllocation;
    const cudaError_t code = cudaMalloc(memory, bytes);
    cudaGetLastError(); // a failed allocation must not be taken for a failure of the next kernel
    return code;
}

} // namespace

MemoryAccount& device_account() {
    // Never destroyed: a host's static objects may close models after the library's own would be gone.
    static MemoryAccount& account = *new MemoryAccount("cuda:0");
    return account;
}

Result<DeviceMemory> DeviceMemory::create(uint64_t bytes) {
    DeviceMemory memory;
    if (bytes == 0) return memory;
    FP4_ASSIGN(memory.share_, MemoryShare::take(device_account(), bytes));
    void* data = nullptr;
    FP4_TRY(check(allocate(&data, bytes), "allocate ", bytes, " bytes of device memory"));
    memory.data_ = static_cast<uint8_t*>(data);
    memory.bytes_ = bytes;
    FP4_TRY(check(cudaMemsetAsync(data, 0, bytes, nullptr), "clear device memory"));
    FP4_TRY(check(cudaStreamSynchronize(nullptr), "clear device memory"));
    return memory;
}

Result<PinnedMemory> PinnedMemory::create(uint64_t bytes) {
    PinnedMemory memory;
    cudaError_t code = cudaErrorMemoryAllocation;
    if (!injected_failure()) code = cudaHostAlloc(&memory.data_, bytes, cudaHostAllocMapped);
    cudaGetLastError(); // as above
    FP4_TRY(check(code, "allocate ", bytes, " bytes of pinned memory"));
    std::memset(memory.data_, 0, bytes);
    return memory;
}

void fail_allocations_after(int64_t count) {
    allocations_left = count;
}

} // namespace fp4::cuda
