// A context's queue of work: a CUDA stream. Arguments are checked here and kernels launched. The operations
// of a decode step are collected first (decode_step.h).
#pragma once

#include "cuda/decode_step.h"
#include "cuda/drawn_tokens.h"
#include "cuda/kernels/attention.h"
#include "cuda/kernels/decode_attention.h"
#include "cuda/kernels/matvec.h"
#include "cuda/kernels/sample.h"
#include "libfp4/engine/checked_stream.h"

namespace fp4::cuda {

class CudaStream final : public CheckedStream {
  public:
    static Result<std::unique_ptr<CudaStream>> create(const StreamConfig& config, int processors);
    ~CudaStream() override;
    // What create() takes of the device's memory.
    static constexpr uint64_t fixed_bytes =
        argmax_blocks * sizeof(int2) + sample_scratch_bytes + sizeof(uint32_t);

    Result<void> reserve(const StreamWork& work) override;
    StepStart begin_step(const DecodeStep& step) override;
    void end_step() override;
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
    Result<void> draw(const Buffer& logits, size_t row, size_t vocab, const SampleRequest& request,
                      Buffer* ids) override;
    Result<int32_t> take_drawn() override;
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

    void launched(cudaError_t code, const char* operation); // what a launch returned
    Result<void> wait(const char* operation);
    // Memory of at least that size, its content kept only while it need not grow; null after a failure.
    uint8_t* reserve(DeviceMemory& memory, size_t bytes);

    // Around a kernel that ends in finish_run(): clears row_amax before, runs the second pass after.
    // whole_rows: where rows fit a block it does all of that itself.
    template <class Launch>
    void produce(const char* operation, const Transform* transform, ActivationFormat format, size_t n,
                 bool whole_rows, Activation& out, Launch&& launch);

    void attention_of_many(const AttentionCall& call);
    // Room for what the parts leave. False where there is none.
    bool reserve_parts(AttentionParts& parts, size_t head_dim);
    void combine_parts(const AttentionCall& call, const AttentionParts& parts);
    bool multiplies_blocks(const ActivationView& input, WeightFormat weight) const;
    void linear_blocks(const ActivationView& input, size_t n, std::span<const MatvecTarget> targets);
    void linear_matrix(const ActivationView& input, size_t n, std::span<const MatvecTarget> targets);
    // While a step is collected: keeps the call for later and says so.
    template <class Call>
    bool collect(Call&& call) {
        if (!collecting_) return false;
        calls_.push_back(std::forward<Call>(call));
        return true;
    }
    // `position` as kernels of this step must read it.
    StepPosition place_of(size_t position, const char* operation);
    void run_calls();
    void capture_calls(StepRecord& record);
    // Runs calls_[i] and those after it that one kernel does with it; their number, 0 if there is none.
    size_t run_fused(size_t i);
    bool run_fused(const RopeCall& rope, const AttentionCall& attention);
    bool run_fused(const LinearCall& product, const NormCall& norm);
    bool run_fused(const LinearCall& product, const GluCall& glu);
    // One kernel's worth of a product of one token, if it is packed weights'.
    bool next_input_view(const LinearCall& product, MatvecView& view);
    // Whether from calls_[i] on only products of packed weights read what is there now.
    bool only_multiplied(size_t i, const Activation& input) const;
    void run(const StepCall& call);

    bool rope_view(const RopeCall& call, RopeView& args);
    bool attention_fits(const AttentionCall& call);
    bool decode_attention_view(const AttentionCall& call, const RoundingView& rounding,
                               DecodeAttentionView& view);
    void linear_packed(const ActivationView& input, size_t n, std::span<const MatvecTarget> targets);
    Result<void> set_next(int32_t* next, int32_t token);
    Result<int32_t> sample_on_host(const float* logits, size_t vocab, const SampleRequest& request);

    cudaStream_t stream_;
    int processors_;
    DeviceMemory attention_sums_, attention_states_, attention_counters_;
    DeviceMemory matvec_sums_, matvec_counters_, gemm_sums_, argmax_, sample_sums_;

    bool collecting_ = false; // between begin_step() and end_step()
    bool in_step_ = false;    // while the collected calls run
    StepKey step_key_;
    size_t step_position_ = 0;
    std::vector<StepCall> calls_;
    StepRecords records_;
    DeviceMemory position_;        // uint32: of the step that ran last
    uint32_t device_position_ = 0; // what will be there once all that is enqueued has run
    std::vector<MatvecTarget> mxfp4_targets_, nvfp4_targets_;
    std::vector<float> host_logits_;
    DrawnTokens drawn_;
    struct LastDraw { // for tokens the device cannot tell apart
        const float* logits = nullptr;
        size_t vocab = 0;
        SamplingConfig config;
        uint64_t counter = 0;
        int32_t* next = nullptr;
    } last_draw_;
};

} // namespace fp4::cuda
