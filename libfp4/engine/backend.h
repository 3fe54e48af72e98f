// What a device must do to run a transformer: memory, weights, and a stream of fused operations.
// The forward pass (engine/forward.cpp) is written once over this interface. Operations are enqueued in order
// and may finish later; nothing but take_drawn() and read() returns data to the host. A device failure is
// sticky: later operations do nothing and synchronize() reports it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libfp4/base/memory_account.h"
#include "libfp4/base/result.h"
#include "libfp4/base/thread_pool.h"
#include "libfp4/engine/sampling.h"
#include "libfp4/format/block_format.h"
#include "libfp4/format/linear_input.h"

namespace fp4 {

enum class WeightFormat : uint8_t {
    f32,
    f16,
    bf16,
    mxfp4,
    nvfp4,
    mxfp8_e4m3,
    mxfp8_e5m2,
    mxfp6_e2m3,
    mxfp6_e3m2,
    mxint8
};
// Four-bit floating point: what this library is for.
constexpr bool is_w4(WeightFormat format) {
    return format == WeightFormat::mxfp4 || format == WeightFormat::nvfp4;
}
constexpr bool is_block(WeightFormat format) {
    return format >= WeightFormat::mxfp4;
}
constexpr BlockFormat to_block(WeightFormat format) {
    return static_cast<BlockFormat>(static_cast<int>(format) - static_cast<int>(WeightFormat::mxfp4));
}
constexpr WeightFormat to_weight_format(BlockFormat format) {
    return static_cast<WeightFormat>(static_cast<int>(format) + static_cast<int>(WeightFormat::mxfp4));
}
std::string_view weight_format_name(WeightFormat format);

// A weight matrix [rows, cols] (a vector has rows = 1) in host memory, rows in the layout of block_format.h.
struct HostWeight {
    WeightFormat format = WeightFormat::f32;
    size_t rows = 0;
    size_t cols = 0;                 // K, the dimension that is summed over
    const uint8_t* data = nullptr;   // values or codes
    const uint8_t* scales = nullptr; // block formats only
    float tensor_scale = 1.0f;
    std::shared_ptr<const void> owner; // keeps the bytes alive: a host device borrows them instead of copying
};

class Buffer {
  public:
    virtual ~Buffer() = default;
    virtual size_t bytes() const = 0;
};

class Weight {
  public:
    virtual ~Weight() = default;
    virtual WeightFormat format() const = 0;
    virtual size_t rows() const = 0;
    virtual size_t cols() const = 0;
};

// Device form of an InputTransform.
class Transform {
  public:
    virtual ~Transform() = default;
    virtual size_t cols() const = 0;
};

// Transformed and rounded linear inputs [up to max_rows, cols].
class Activation {
  public:
    virtual ~Activation() = default;
    virtual size_t max_rows() const = 0;
    virtual size_t cols() const = 0;
};

// Same numbers as FP4_KV_* in api/fp4.h.
enum class KvFormat : int32_t { f16 = 0, f32 = 1, mxfp8 = 2, mxfp4 = 3 };
// What a head is rounded to in a block format; nullopt for plain numbers.
struct KvBlock {
    BlockFormat format;
    ScaleRule rule;
};
constexpr std::optional<KvBlock> kv_block(KvFormat format) {
    if (format == KvFormat::mxfp8) return KvBlock{BlockFormat::mxfp8_e4m3, ScaleRule::ceil};
    if (format == KvFormat::mxfp4) return KvBlock{BlockFormat::mxfp4, ScaleRule::even};
    return std::nullopt;
}
// One head of one token. Block formats: a row of block_format.h, its codes and then its scales.
inline size_t kv_head_bytes(KvFormat format, size_t head_dim) {
    if (auto block = kv_block(format))
        return row_code_bytes(block->format, head_dim) + row_scales(block->format, head_dim);
    return head_dim * (format == KvFormat::f16 ? 2 : 4);
}

struct KvShape {
    size_t layers = 0;
    size_t capacity = 0; // tokens
    size_t kv_heads = 0;
    size_t head_dim = 0;
    KvFormat format = KvFormat::f16;
    size_t row() const { return kv_heads * head_dim; } // values of a token
    size_t head_bytes() const { return kv_head_bytes(format, head_dim); }
    size_t row_bytes() const { return kv_heads * head_bytes(); }
    size_t bytes() const { return 2 * layers * capacity * row_bytes(); } // keys and values
    bool operator==(const KvShape&) const = default;
};

// Keys (after rope) and values of one context: [layers][capacity][kv_heads][head_dim] each.
class KvCache {
  public:
    virtual ~KvCache() = default;
    virtual const KvShape& shape() const = 0;
};

struct LinearTarget {
    const Weight* weight = nullptr; // [rows, cols]
    const Weight* bias = nullptr;   // [1, rows] f32, or null
    Buffer* out = nullptr;          // f32 [n, rows]
    bool accumulate = false;        // out += result (the residual stream) instead of out = result
    // The part that is computed, [first_row, first_row + row_count) of the weight; 0 rows: all. The other
    // columns of out stay. Only where Stream::divides_linear().
    size_t first_row = 0;
    size_t row_count = 0;
};

struct NormParams {
    const Weight* weight = nullptr; // [1, cols] f32, as it is multiplied (gemma's 1 + w already added)
    float epsilon = 1e-6f;
};

struct RopeParams {
    const Weight* inverse_frequency = nullptr; // [1, head_dim / 2] f32
    float amplitude = 1.0f;                    // yarn's attention factor on cos and sin
    bool interleaved = false;                  // pairs (2i, 2i+1) instead of (i, i + head_dim/2)
};

struct HeadShape {
    size_t heads = 0;
    size_t kv_heads = 0;
    size_t head_dim = 0;
};

struct AttentionParams {
    HeadShape shape;
    float scale = 1.0f;
    size_t window = 0; // sliding window in tokens including the current one; 0 = all
};

enum class GluKind : uint8_t { silu, gelu_tanh };

// A pass of one token, whose operations are the same for every token: only the token in its ids buffer and
// the position differ. What no operation after the step reads (queries, the two halves of a gated layer) need
// not be stored.
struct DecodeStep {
    uint64_t owner = 0; // equal for the same operations on the same weights, buffers and formats
    size_t position = 0;
    const KvCache* cache = nullptr;
};
enum class StepStart : uint8_t {
    direct,   // no difference: operations run as they are called
    recorded, // all of the step's operations must now be called, then end_step(), which runs them
    repeated  // the device has run them already, by its record of an earlier step
};

// What a stream will be asked for: its work memory is counted, and reserved, before it works.
struct StreamWork {
    size_t tokens = 1;   // of a pass, at most
    size_t capacity = 0; // tokens of the KV cache
    HeadShape heads;
    struct Product { // weights over one input
        WeightFormat format = WeightFormat::f32;
        std::vector<size_t> rows;
        size_t cols = 0;
    };
    std::vector<Product> products;
};

// One context's queue of work. One thread at a time. All f32 matrices are row-major [n, width]; n >= 1
// tokens.
class Stream {
  public:
    virtual ~Stream() = default;

    // Takes the memory of such work now; otherwise it is taken when it is needed.
    virtual Result<void> reserve(const StreamWork&) { return {}; }

    // A device that can keeps a step's operations and repeats them without the host. Between a start that
    // says `recorded` and end_step() only operations with activations in and out may be called.
    virtual StepStart begin_step(const DecodeStep&) { return StepStart::direct; }
    virtual void end_step() {}

    virtual void write(Buffer& target, size_t offset, std::span<const uint8_t> bytes) = 0;
    virtual Result<void> read(const Buffer& source, size_t offset, std::span<uint8_t> bytes) = 0; // waits

    // x[i] = table[ids[i]] * scale. ids: int32 [n], already checked against the table.
    virtual void embed(const Weight& table, const Buffer& ids, size_t n, float scale, Buffer& x) = 0;

    // out = round(transform(rmsnorm(x[first_row + i]) * weight)), i in [0, n).
    virtual void norm(const Buffer& x, size_t first_row, size_t n, const NormParams& norm,
                      const Transform* transform, ActivationFormat format, Activation& out) = 0;

    // Several weights over the same input (q/k/v, gate/up, or one alone). n: that of the operation that made
    // the input, whose layout a device may choose by it.
    virtual void linear(const Activation& input, size_t n, std::span<const LinearTarget> targets) = 0;
    // Whether targets may be parts of weights. A device whose operations are only queued here has nothing to
    // gain from it: dividing would not shorten what the caller waits for.
    virtual bool divides_linear() const { return false; }

    // Optional per-head RMS norm of q and k, rope at positions position..position+n-1, q in place, k and v
    // into the cache. q: [n, heads * head_dim], k and v: [n, kv_heads * head_dim].
    virtual void rope_append(Buffer& q, const Buffer& k, const Buffer& v, size_t n, size_t position,
                             const HeadShape& shape, const NormParams* q_norm, const NormParams* k_norm,
                             const RopeParams& rope, KvCache& cache, size_t layer) = 0;

    // Causal attention of n tokens at position.. over cache rows [0, position + n), result rounded for the
    // output linear.
    virtual void attention(const Buffer& q, size_t n, size_t position, const AttentionParams& params,
                           const KvCache& cache, size_t layer, const Transform* transform,
                           ActivationFormat format, Activation& out) = 0;

    // out = round(transform(act(gate) * up)). gate, up: [n, width].
    virtual void glu(const Buffer& gate, const Buffer& up, size_t n, GluKind kind, const Transform* transform,
                     ActivationFormat format, Activation& out) = 0;

    // x += rmsnorm(y) * weight: the post-norm residual of gemma.
    virtual void norm_add(const Buffer& y, size_t n, const NormParams& norm, Buffer& x) = 0;

    // Draws a token from logits[row] (f32 [rows, vocab]), into ids[0] as well, for the next pass. Waits for
    // nothing where the device can draw by itself.
    virtual Result<void> draw(const Buffer& logits, size_t row, size_t vocab, const SampleRequest& request,
                              Buffer* ids) = 0;
    // The token of the oldest draw() whose token was not taken yet. Waits for it.
    virtual Result<int32_t> take_drawn() = 0;
    Result<int32_t> sample(const Buffer& logits, size_t row, size_t vocab, const SampleRequest& request) {
        FP4_TRY(draw(logits, row, vocab, request, nullptr));
        return take_drawn();
    }

    // Rows [first, first + count) of one layer, row_bytes() each in the cache's format. Waits.
    virtual Result<void> read_kv(const KvCache& cache, size_t layer, size_t first, size_t count,
                                 std::span<uint8_t> keys, std::span<uint8_t> values) = 0;
    virtual Result<void> write_kv(KvCache& cache, size_t layer, size_t first, size_t count,
                                  std::span<const uint8_t> keys, std::span<const uint8_t> values) = 0;

    // For calibration. values: f32 [n, cols], what the (transformed and rounded) input stands for.
    virtual void read_input(const Activation& input, size_t n, Buffer& values) = 0;
    // sum [a_cols, b_cols] += a^T b; a: [n, a_cols], b: [n, b_cols], all f32. With a and b the same buffer
    // half of the work is saved.
    virtual void accumulate_gram(const Buffer& a, size_t a_cols, const Buffer& b, size_t b_cols, size_t n,
                                 Buffer& sum) = 0;

    virtual Result<void> synchronize() = 0;
    virtual int threads() const = 0; // of the host that do the work, the caller's included; 1 on GPUs
};

struct DeviceInfo {
    std::string id;      // "cpu", "cuda:0"
    std::string name;    // the processor's own name
    std::string details; // instruction sets or driver
    uint64_t memory_total = 0;
    uint64_t memory_free = 0;
};

struct StreamConfig {
    int threads = 0; // 0: one per core
    ThreadPriority priority = ThreadPriority::normal;
};

class Backend {
  public:
    virtual ~Backend() = default;
    virtual DeviceInfo device() const = 0;
    // Status::device_lost once the device has failed: it serves nothing more in this process.
    virtual Result<void> usable() const { return {}; }
    // What the library holds of the device's memory.
    virtual MemoryAccount& memory() const = 0;
    // What these take of memory(): plans add it up before anything exists. A buffer takes its size, a KV
    // cache KvShape::bytes(), a transform its float32 numbers.
    virtual uint64_t weight_bytes(WeightFormat format, size_t rows, size_t cols) const = 0;
    virtual uint64_t activation_bytes(size_t max_rows, size_t cols) const = 0;
    virtual uint64_t stream_bytes(const StreamConfig& config, const StreamWork& work) const = 0;
    // Tokens of a prefill pass where nobody asked for others.
    virtual uint32_t default_chunk() const { return 256; }

    virtual Result<std::unique_ptr<Buffer>> allocate(size_t bytes) = 0; // zeroed
    // Held while a model is loaded: its weights share the memory they are staged in.
    virtual Result<std::shared_ptr<void>> begin_loading() { return std::shared_ptr<void>(); }
    virtual Result<std::unique_ptr<Weight>> load(const HostWeight& weight) = 0;
    virtual Result<std::unique_ptr<Transform>> load(const InputTransform& transform, size_t cols) = 0;
    // readers: all weights that will be multiplied with more than short_rows rows of it, where they are
    // known; then what only others need is not stored for so many rows, not for read_input() either.
    static constexpr size_t short_rows = 16;
    virtual Result<std::unique_ptr<Activation>> create_activation(
        size_t max_rows, size_t cols, std::span<const Weight* const> readers = {}) = 0;
    virtual Result<std::unique_ptr<KvCache>> create_kv_cache(const KvShape& shape) = 0;
    virtual Result<std::unique_ptr<Stream>> create_stream(const StreamConfig& config) = 0;

    // Whether linear() can multiply such weights with such activations, and whether that is a fast path here.
    struct Support {
        bool supported = false;
        bool fast = false;
    };
    virtual Support linear_support(WeightFormat weight, ActivationFormat activation) const = 0;
    // How W4A8 rounds inputs to E4M3 here.
    virtual ScaleRule e4m3_rule() const { return ScaleRule::ceil; }
};

// The list of backends this build has: one line per backend in registry.cpp.
struct BackendEntry {
    std::string id;
    Result<std::shared_ptr<Backend>> (*open)();
};
std::span<const BackendEntry> backend_registry();

} // namespace fp4
