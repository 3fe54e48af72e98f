// Memory and device facts that every backend on the host has in common.
#pragma once

#include "libfp4/cpu/host_memory.h"

namespace fp4 {

class HostBackend : public Backend {
  public:
    MemoryAccount& memory() const final { return host_account(); }
    uint64_t weight_bytes(WeightFormat format, size_t rows, size_t cols) const final {
        return weight_memory(format, rows, cols);
    }
    Result<std::unique_ptr<Buffer>> allocate(size_t bytes) final;
    Result<std::unique_ptr<Weight>> load(const HostWeight& weight) final;
    Result<std::unique_ptr<Transform>> load(const InputTransform& transform, size_t cols) final;
    Result<std::unique_ptr<KvCache>> create_kv_cache(const KvShape& shape) final;

  protected:
    DeviceInfo host_device(std::string id, std::string details) const;
};

} // namespace fp4
