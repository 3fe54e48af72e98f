// The part of a host stream that is not arithmetic: arguments as pointers, copies, sampling.
// A subclass implements the run_ functions, which get pointers that were checked against the sizes.
#pragma once

#include <deque>

#include "libfp4/cpu/host_memory.h"
#include "libfp4/engine/checked_stream.h"

namespace fp4 {

struct HostNorm {
    const float* weight = nullptr; // [cols]
    float epsilon = 0.0f;
    size_t cols = 0;
};

struct HostRope {
    size_t n = 0;
    size_t position = 0;
    HeadShape shape;
    const HostNorm* q_norm = nullptr;
    const HostNorm* k_norm = nullptr;
    const float* inverse_frequency = nullptr; // [head_dim / 2]
    float amplitude = 1.0f;
    bool interleaved = false;
};

struct HostAttention {
    size_t n = 0;
    size_t position = 0;
    AttentionParams params;
    size_t width() const { return params.shape.heads * params.shape.head_dim; }
};

// What follows every op that feeds a linear.
struct HostRounding {
    const HostTransform* transform = nullptr;
    ActivationFormat format;
    Activation* out = nullptr;
};

struct HostTarget {
    const HostMatrix* weight = nullptr;
    const float* bias = nullptr; // [rows] or null
    float* out = nullptr;        // [n, rows]
    bool accumulate = false;
    size_t first_row = 0, end_row = 0; // of the weight: what is computed
};

class HostStream : public CheckedStream {
  public:
    void write(Buffer& target, size_t offset, std::span<const uint8_t> bytes) final;
    Result<void> read(const Buffer& source, size_t offset, std::span<uint8_t> bytes) final;
    void embed(const Weight& table, const Buffer& ids, size_t n, float scale, Buffer& x) final;
    void norm(const Buffer& x, size_t first_row, size_t n, const NormParams& norm, const Transform* transform,
              ActivationFormat format, Activation& out) final;
    void linear(const Activation& input, size_t n, std::span<const LinearTarget> targets) final;
    bool divides_linear() const final { return true; }
    void rope_append(Buffer& q, const Buffer& k, const Buffer& v, size_t n, size_t position,
                     const HeadShape& shape, const NormParams* q_norm, const NormParams* k_norm,
                     const RopeParams& rope, KvCache& cache, size_t layer) final;
    void attention(const Buffer& q, size_t n, size_t position, const AttentionParams& params,
                   const KvCache& cache, size_t layer, const Transform* transform, ActivationFormat format,
                   Activation& out) final;
    void glu(const Buffer& gate, const Buffer& up, size_t n, GluKind kind, const Transform* transform,
             ActivationFormat format, Activation& out) final;
    void norm_add(const Buffer& y, size_t n, const NormParams& norm, Buffer& x) final;
    Result<void> draw(const Buffer& logits, size_t row, size_t vocab, const SampleRequest& request,
                      Buffer* ids) final;
    Result<int32_t> take_drawn() final;
    Result<void> read_kv(const KvCache& cache, size_t layer, size_t first, size_t count,
                         std::span<uint8_t> keys, std::span<uint8_t> values) final;
    Result<void> write_kv(KvCache& cache, size_t layer, size_t first, size_t count,
                          std::span<const uint8_t> keys, std::span<const uint8_t> values) final;
    void read_input(const Activation& input, size_t n, Buffer& values) final;
    void accumulate_gram(const Buffer& a, size_t a_cols, const Buffer& b, size_t b_cols, size_t n,
                         Buffer& sum) final;
    Result<void> synchronize() final { return state_; }

  protected:
    virtual void run_embed(const HostMatrix& table, const int32_t* ids, size_t n, float scale, float* x) = 0;
    virtual void run_norm(const float* x, size_t n, const HostNorm& norm, const HostRounding& rounding) = 0;
    virtual void run_linear(const Activation& input, size_t n, std::span<const HostTarget> targets) = 0;
    // keys, values: rows of the cache from `position` on
    virtual void run_rope(const HostRope& rope, float* q, const float* k, const float* v, KvRows keys,
                          KvRows values) = 0;
    // keys, values: rows of the cache from 0 on
    virtual void run_attention(const HostAttention& attention, const float* q, KvRows keys, KvRows values,
                               const HostRounding& rounding) = 0;
    virtual void run_glu(const float* gate, const float* up, size_t n, size_t width, GluKind kind,
                         const HostRounding& rounding) = 0;
    virtual void run_norm_add(const float* y, size_t n, const HostNorm& norm, float* x) = 0;
    virtual void run_read_input(const Activation& input, size_t n, float* values) = 0;
    virtual void run_gram(const float* a, size_t a_cols, const float* b, size_t b_cols, size_t n,
                          float* sum) = 0;

  private:
    std::vector<HostTarget> targets_;
    std::deque<int32_t> drawn_;
};

} // namespace fp4
