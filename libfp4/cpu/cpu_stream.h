// Runs the operations with one level's kernels, spread over a thread pool.
#pragma once

#include "libfp4/cpu/cpu_activation.h"
#include "libfp4/cpu/cpu_scratch.h"
#include "libfp4/cpu/host_stream.h"

namespace fp4 {

class CpuStream final : public HostStream {
  public:
    CpuStream(const Kernels& kernels, std::unique_ptr<ThreadPool> pool)
        : kernels_(kernels), pool_(std::move(pool)), threads_(static_cast<size_t>(pool_->threads())) {}
    Result<void> reserve(const StreamWork& work) override;
    int threads() const override { return static_cast<int>(threads_); }

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

  private:
    enum class LinearKernel { integer_matvec, integer_matmul, float_matvec, float_matmul };
    struct LinearTask { // rows [first, first + count) of one target
        const HostTarget* target;
        LinearKernel kernel;
        size_t first, count;
    };

    // produce(row, out) writes `cols` values for each of n rows; they are transformed and rounded into the
    // activation.
    template <class Produce>
    void produce_rows(const HostRounding& rounding, size_t n, size_t cols, Produce&& produce);
    void round_row(const HostRounding& rounding, size_t row, float* values);

    // Runs body(index, worker) over [0, count) in parallel when that is worth waking the workers.
    template <class Body>
    void spread(size_t count, bool parallel, Body&& body);

    LinearKernel choose_kernel(const CpuActivation& input, size_t n, const HostMatrix& weight) const;
    bool plan_linear(const CpuActivation& input, size_t n, std::span<const HostTarget> targets);
    bool prepare_inputs(const CpuActivation& input, size_t n);
    void run_task(const LinearTask& task, const CpuActivation& input, size_t n, size_t worker);
    void store_kv(const float* x, size_t dim, KvRows rows) const;
    void prepare_angles(const HostRope& rope);
    uint8_t* worker_scratch(size_t worker) { return workers_memory_ + worker * worker_bytes_; }
    bool reserve_workers(uint64_t bytes_per_worker);

    const Kernels& kernels_;
    std::unique_ptr<ThreadPool> pool_;
    size_t threads_;

    Scratch workers_;
    uint8_t* workers_memory_ = nullptr;
    size_t worker_bytes_ = 0;

    std::vector<LinearTask> tasks_;
    bool needs_arranged_ = false, needs_values_ = false;
    Scratch arranged_; // float32 inputs in lane order, [n, padded]
    Scratch expanded_; // float32 values of integer inputs, [n, padded]
    const float* values_ = nullptr;
    const float* lanes_ = nullptr;

    // Sines and cosines of the last positions, shared by all layers.
    std::vector<float> frequencies_;
    std::vector<float> cosines_, sines_; // [n, head_dim / 2]
    size_t angle_position_ = 0, angle_count_ = 0;
    float angle_amplitude_ = 0.0f;

    Scratch transposed_; // gram: both factors, [cols, tokens]
    Scratch partials_;   // attention: softmax states of the parts of a split
};

} // namespace fp4
