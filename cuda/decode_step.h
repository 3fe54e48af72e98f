// A decode step as data: its operations, collected before they run so that neighbours can be fused, and the
// CUDA graphs that repeat it.
#pragma once

#include <functional>
#include <variant>
#include <vector>

#include "cuda/cuda_objects.h"

namespace fp4::cuda {

struct RopeCall {
    Buffer* q;
    const Buffer *k, *v;
    size_t n, position;
    HeadShape shape;
    std::optional<NormParams> q_norm, k_norm;
    RopeParams rope;
    KvCache* cache;
    size_t layer;
};

struct AttentionCall {
    const Buffer* q;
    size_t n, position;
    AttentionParams params;
    const KvCache* cache;
    size_t layer;
    const Transform* transform;
    ActivationFormat format;
    Activation* out;
};

struct LinearCall {
    const Activation* input;
    size_t n;
    std::vector<LinearTarget> targets;
};

struct NormCall {
    const Buffer* x;
    size_t first_row, n;
    NormParams norm;
    const Transform* transform;
    ActivationFormat format;
    Activation* out;
};

struct GluCall {
    const Buffer *gate, *up;
    size_t n;
    GluKind kind;
    const Transform* transform;
    ActivationFormat format;
    Activation* out;
};

// The others are never fused.
using StepCall = std::variant<RopeCall, AttentionCall, LinearCall, NormCall, GluCall, std::function<void()>>;

// What must be equal for a record to be repeated.
struct StepKey {
    uint64_t owner = 0;
    KvShape cache;
    const uint8_t* keys = nullptr; // the cache's memory
    uint32_t length_class = 0;     // decode_length_class(): how attention is cut
    bool operator==(const StepKey&) const = default;
};

class StepRecord {
  public:
    explicit StepRecord(const StepKey& key) : key_(key) {}
    StepRecord(StepRecord&& other) noexcept
        : key_(other.key_), graph_(std::exchange(other.graph_, nullptr)) {}
    StepRecord& operator=(StepRecord&& other) noexcept {
        std::swap(key_, other.key_);
        std::swap(graph_, other.graph_);
        return *this;
    }
    ~StepRecord() {
        if (graph_) cudaGraphExecDestroy(graph_);
    }

    const StepKey& key() const { return key_; }
    cudaGraphExec_t graph() const { return graph_; } // null until the step has run once
    void keep(cudaGraphExec_t graph) { graph_ = graph; }

  private:
    StepKey key_;
    cudaGraphExec_t graph_ = nullptr;
};

// The records of a stream, the newest last. All are dropped when memory they use moves.
class StepRecords {
  public:
    StepRecord* find(const StepKey& key);
    StepRecord& add(const StepKey& key);
    void clear() { records_.clear(); }

  private:
    static constexpr size_t most = 16; // a context has one for each length class
    std::vector<StepRecord> records_;
};

} // namespace fp4::cuda
