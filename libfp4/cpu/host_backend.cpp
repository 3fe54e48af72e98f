#include "libfp4/cpu/host_backend.h"

#include "libfp4/cpu/host_info.h"

namespace fp4 {

Result<std::unique_ptr<Buffer>> HostBackend::allocate(size_t bytes) {
    FP4_ASSIGN(AlignedBytes memory, AlignedBytes::create(bytes));
    return std::unique_ptr<Buffer>(std::make_unique<HostBuffer>(std::move(memory)));
}

Result<std::unique_ptr<Weight>> HostBackend::load(const HostWeight& weight) {
    FP4_ASSIGN(std::unique_ptr<HostMatrix> matrix, HostMatrix::create(weight));
    return std::unique_ptr<Weight>(std::move(matrix));
}

Result<std::unique_ptr<Transform>> HostBackend::load(const InputTransform& transform, size_t cols) {
    FP4_ASSIGN(std::unique_ptr<HostTransform> result, HostTransform::create(transform, cols));
    return std::unique_ptr<Transform>(std::move(result));
}

Result<std::unique_ptr<KvCache>> HostBackend::create_kv_cache(const KvShape& shape) {
    FP4_ASSIGN(std::unique_ptr<HostKvCache> cache, HostKvCache::create(shape));
    return std::unique_ptr<KvCache>(std::move(cache));
}

DeviceInfo HostBackend::host_device(std::string id, std::string details) const {
    HostMemory memory = host_memory();
    return {std::move(id), processor_name(), std::move(details), memory.total, memory.free};
}

} // namespace fp4
