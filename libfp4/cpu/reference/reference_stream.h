// Runs the reference operations token by token on the calling thread.
#pragma once

#include "libfp4/cpu/host_stream.h"

namespace fp4 {

class ReferenceStream final : public HostStream {
  public:
    int threads() const override { return 1; }

  protected:
    void run_embed(const HostMatrix& table, const int32_t* ids, size_t n, float scale, float* x) override;
    void run_norm(const float* x, size_t n, const HostNorm& norm, const HostRounding& rounding) override;
    void run_linear(const Activation& input, size_t n, std::span<const HostTarget> targets) override;
    void run_rope(const HostRope& rope, float* q, const float* k, const float* v, KvRows keys,
                  KvRows values) override;
    void run_attention(const HostAttention& attention, const float* q, KvRows keys, KvRows values,
                       const HostRounding& rounding) override;
    void run_glu(const float* gate, const float* up, size_t n, size_t width, GluKind kind,
                 const HostRounding& rounding) override;
    void run_norm_add(const float* y, size_t n, const HostNorm& norm, float* x) override;
    void run_read_input(const Activation& input, size_t n, float* values) override;
    void run_gram(const float* a, size_t a_cols, const float* b, size_t b_cols, size_t n,
                  float* sum) override;
};

} // namespace fp4
