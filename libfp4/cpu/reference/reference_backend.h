// The definition of every operation: plain loops, sums in double, exact int32 sums inside a block. Slow;
// other backends are tested against it.
#pragma once

#include "libfp4/cpu/host_backend.h"

namespace fp4 {

class ReferenceBackend final : public HostBackend {
  public:
    DeviceInfo device() const override;
    // What it computes in is not counted.
    uint64_t activation_bytes(size_t, size_t) const override { return 0; }
    uint64_t stream_bytes(const StreamConfig&, const StreamWork&) const override { return 0; }
    Result<std::unique_ptr<Activation>> create_activation(size_t max_rows, size_t cols,
                                                          std::span<const Weight* const> readers) override;
    Result<std::unique_ptr<Stream>> create_stream(const StreamConfig& config) override;
    Support linear_support(WeightFormat weight, ActivationFormat activation) const override;
};

Result<std::shared_ptr<Backend>> open_reference_backend();

} // namespace fp4
