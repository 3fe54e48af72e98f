// The CPU backend: fused operations with SIMD kernels chosen at run time, spread over the library's threads.
#pragma once

#include "libfp4/cpu/cpu_level.h"
#include "libfp4/cpu/host_backend.h"

namespace fp4 {

struct Kernels; // kernels/kernels.h

class CpuBackend final : public HostBackend {
  public:
    explicit CpuBackend(const Kernels& kernels) : kernels_(kernels) {}
    DeviceInfo device() const override;
    uint64_t activation_bytes(size_t max_rows, size_t cols) const override;
    uint64_t stream_bytes(const StreamConfig& config, const StreamWork& work) const override;
    Result<std::unique_ptr<Activation>> create_activation(size_t max_rows, size_t cols,
                                                          std::span<const Weight* const> readers) override;
    Result<std::unique_ptr<Stream>> create_stream(const StreamConfig& config) override;
    Support linear_support(WeightFormat weight, ActivationFormat activation) const override;

  private:
    const Kernels& kernels_;
};

// The best available implementation not above max_level.
Result<std::shared_ptr<Backend>> create_cpu_backend(CpuLevel max_level);
Result<std::shared_ptr<Backend>> open_cpu_backend();

} // namespace fp4
