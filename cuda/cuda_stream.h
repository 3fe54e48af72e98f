// A context's queue of work: a CUDA stream. Arguments are checked here, kernels launched, the first failure
// kept.
#pragma once

#include "cuda/cuda_objects.h"
#include "cuda/kernels/attention.h"
#include "cuda/kernels/matvec.h"

namespace fp4::cuda {

class CudaStream final : public Stream {
  public:
    static Result<std::unique_ptr<CudaStream>> create(const StreamConfig& config, int processors);
    ~CudaStream() override;

    void write(Buffer& target, size_t offset, std::span<const uint8_t> bytes) override;
    Result<void> read(const Buffer& source, size_t offset, std::span<uint8_t> bytes) override;
    void embed(const Weight& table, const Buffer& ids, size_t n, float scale, Buffer& x) override;
    void norm(const Buffer& x, size_t first_row, size_t n, const NormParams& norm, const Transform* transform,
              ActivationFormat format, Activation& out) override;
    void linear(const Activation& input, size_t n, std::span<const LinearTarget> targets) override;
    void rope_append(Buffer& q, const Buffer& k, const Buffer& v, size_t n, size_t position,
                     const HeadShape& shape, const NormParams* q_norm, const NormParams* k_norm,
                     const RopeParams& rope, KvCache& cache, size_t layer) override;
    void attention(const Buffer& q, size_t n, size_t position, const AttentionParams& params,
                   const KvCache& cache, size_t layer, const Transform* transform, ActivationFormat format,
                   Activation& out) override;
    void glu(const Buffer& gate, const Buffer& up, size_t n, GluKind kind, const Transform* transform,
             ActivationFormat format, Activation& out) override;
    void norm_add(const Buffer& y, size_t n, const NormParams& norm, Buffer& x) override;
    Result<int32_t> sample(const Buffer& logits, size_t row, size_t vocab,
                           const SampleRequest& request) override;
    Result<void> read_kv(const KvCache& cache, size_t layer, size_t first, size_t count,
                         std::span<uint8_t> keys, std::span<uint8_t> values) override;
    Result<void> write_kv(KvCache& cache, size_t layer, size_t first, size_t count,
                          std::span<const uint8_t> keys, std::span<const uint8_t> values) override;
    void read_input(const Activation& input, size_t n, Buffer& values) override;
    void accumulate_gram(const Buffer& a, size_t a_cols, const Buffer& b, size_t b_cols, size_t n,
                         Buffer& sum) override;
    Result<void> synchronize() override;
    int threads() const override { return 1; }

  private:
    CudaStream(cudaStream_t stream, int processors) : stream_(stream), processors_(processors) {}

    // The first failure wins; later operations do nothing.
    void fail(Error failure);
    bool require(bool condition, const char* operation, const char* what);
    bool vector_of(const Weight* weight, size_t cols, const char* operation);
    bool rounding_fits(const char* operation, size_t n, size_t cols, const Transform* transform,
                       const Activation& out);
    bool cache_holds(const char* operation, const HeadShape& shape, const KvCache& cache, size_t layer,
                     size_t position, size_t n);
    Result<void> check_kv(const KvCache& cache, size_t layer, size_t first, size_t count, size_t keys,
                          size_t values) const;
    void launched(cudaError_t code, const char* operation); // what a launch returned
    Result<void> wait(const char* operation);
    // Memory of at least that size, its content kept only while it need not grow; null after a failure.
    uint8_t* reserve(DeviceMemory& memory, size_t bytes);

    // Around a kernel that ends in finish_run(): clears row_amax before, runs the second pass after.
    template <class Launch>
    void produce(const char* operation, const Transform* transform, ActivationFormat format, size_t n,
                 Activation& out, Launch&& launch);

    void attention_of_many(const Buffer& q, size_t n, size_t position, const AttentionParams& params,
                           const KvCache& cache, size_t layer, const Transform* transform,
                           ActivationFormat format, Activation& out);
    void linear_packed(const ActivationView& input, size_t n, std::span<const MatvecTarget> targets);
    bool multiplies_blocks(const ActivationView& input, WeightFormat weight) const;
    void linear_blocks(const ActivationView& input, size_t n, std::span<const MatvecTarget> targets);
    void linear_matrix(const ActivationView& input, size_t n, std::span<const MatvecTarget> targets);
    Result<int32_t> sample_greedy(const float* logits, size_t vocab);
    Result<int32_t> sample_on_host(const float* logits, size_t vocab, const SampleRequest& request);

    cudaStream_t stream_;
    int processors_;
    Result<void> state_;
    DeviceMemory attention_sums_, attention_states_, matvec_sums_, matvec_counters_, gemm_sums_, argmax_;
    std::vector<MatvecTarget> mxfp4_targets_, nvfp4_targets_;
    std::vector<float> host_logits_;
};

inline const CudaBuffer& device(const Buffer& buffer) {
    return static_cast<const CudaBuffer&>(buffer);
}
inline const CudaWeight& device(const Weight& weight) {
    return static_cast<const CudaWeight&>(weight);
}
inline const CudaActivation& device(const Activation& activation) {
    return static_cast<const CudaActivation&>(activation);
}

// Whether the buffer holds `rows` rows of `width` 4-byte values.
bool holds(const Buffer& buffer, size_t rows, size_t width);

} // namespace fp4::cuda
