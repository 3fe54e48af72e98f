// Operations but linear(), which is in cuda_linear.cpp.
#include "cuda/cuda_stream.h"

#include <algorithm>

#include "cuda/kernels/argmax.h"
#include "cuda/kernels/embed.h"
#include "cuda/kernels/glu.h"
#include "cuda/kernels/gram.h"
#include "cuda/kernels/norm.h"
#include "cuda/kernels/prefill_attention.h"
#include "cuda/kernels/rope.h"
#include "cuda/kernels/round.h"
#include "libfp4/base/checked.h"

namespace fp4::cuda {
namespace {

uint32_t u32(size_t value) {
    return static_cast<uint32_t>(value);
}

NormView view(const NormParams& norm) {
    return {device(*norm.weight).f32(), norm.epsilon};
}

RoundingView rounding_view(const Transform* transform, ActivationFormat format) {
    RoundingView rounding;
    if (transform) rounding.transform = static_cast<const CudaTransform*>(transform)->view();
    rounding.kind = format.kind;
    rounding.rule = activation_rule(format);
    // NVFP4 without one: the second pass takes each token's own.
    const bool own = format.kind == ActivationFormat::Kind::nvfp4;
    rounding.tensor_scale = own ? format.tensor_scale : activation_tensor_scale(format, 1.0f);
    return rounding;
}

bool within(size_t offset, size_t count, size_t size) {
    return offset <= size && count <= size - offset;
}

bool draws_most_likely(const SampleRequest& request) {
    const SamplingConfig& config = *request.config;
    const bool no_penalties =
        config.penalty_last_n <= 0 || (config.repetition_penalty == 1.0f && config.presence_penalty == 0.0f &&
                                       config.frequency_penalty == 0.0f);
    return config.temperature <= 0.0f && request.bias.empty() && no_penalties;
}

} // namespace

bool holds(const Buffer& buffer, size_t rows, size_t width) {
    auto values = checked_mul(rows, width);
    auto bytes = values ? checked_mul(*values, 4) : std::nullopt;
    return bytes && *bytes <= buffer.bytes();
}

Result<std::unique_ptr<CudaStream>> CudaStream::create(const StreamConfig& config, int processors) {
    int lowest = 0, highest = 0;
    FP4_TRY(check(cudaDeviceGetStreamPriorityRange(&lowest, &highest), "read the stream priorities"));
    cudaStream_t stream = nullptr;
    FP4_TRY(check(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking,
                                               config.priority == ThreadPriority::low ? lowest : highest),
                  "create a stream"));
    auto result = std::unique_ptr<CudaStream>(new CudaStream(stream, processors));
    FP4_ASSIGN(result->argmax_, DeviceMemory::create((argmax_blocks + 1) * sizeof(int2)));
    return result;
}

CudaStream::~CudaStream() {
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
}

void CudaStream::fail(Error failure) {
    if (state_.ok()) state_ = std::move(failure);
}

bool CudaStream::require(bool condition, const char* operation, const char* what) {
    if (!condition) fail(error(Status::internal, operation, ": ", what));
    return state_.ok();
}

void CudaStream::launched(cudaError_t code, const char* operation) {
    if (code != cudaSuccess) fail(cuda_error(code, "start ", operation));
}

Result<void> CudaStream::wait(const char* operation) {
    if (state_.ok()) {
        cudaError_t code = cudaStreamSynchronize(stream_);
        if (code != cudaSuccess) fail(cuda_error(code, "finish ", operation));
    }
    return state_;
}

Result<void> CudaStream::synchronize() {
    return wait("the work of a stream");
}

uint8_t* CudaStream::reserve(DeviceMemory& memory, size_t bytes) {
    if (bytes <= memory.bytes()) return memory.data();
    if (!wait("earlier work").ok()) return nullptr;
    auto larger = DeviceMemory::create(bytes);
    if (!larger.ok()) {
        fail(std::move(larger).error());
        return nullptr;
    }
    memory = std::move(*larger);
    return memory.data();
}

bool CudaStream::vector_of(const Weight* weight, size_t cols, const char* operation) {
    return require(
        weight && weight->format() == WeightFormat::f32 && weight->rows() == 1 && weight->cols() == cols,
        operation, "a norm, bias or frequency vector is not f32 [1, width]");
}

bool CudaStream::rounding_fits(const char* operation, size_t n, size_t cols, const Transform* transform,
                               const Activation& out) {
    return require(n > 0 && n <= out.max_rows() && cols == out.cols(), operation,
                   "the activation has another shape") &&
           require(!transform || static_cast<const CudaTransform*>(transform)->cols() == cols, operation,
                   "the transform has another width");
}

bool CudaStream::cache_holds(const char* operation, const HeadShape& shape, const KvCache& cache,
                             size_t layer, size_t position, size_t n) {
    const KvShape& kv = cache.shape();
    return require(shape.kv_heads == kv.kv_heads && shape.head_dim == kv.head_dim &&
                       shape.head_dim % 2 == 0 && shape.heads % kv.kv_heads == 0,
                   operation, "the cache has another shape") &&
           require(layer < kv.layers && within(position, n, kv.capacity), operation, "outside of the cache");
}

void CudaStream::write(Buffer& target, size_t offset, std::span<const uint8_t> bytes) {
    if (!require(within(offset, bytes.size(), target.bytes()), "write", "outside of the buffer") ||
        bytes.empty())
        return;
    // Pageable memory: the call returns once it has been copied out.
    launched(cudaMemcpyAsync(device(target).data() + offset, bytes.data(), bytes.size(),
                             cudaMemcpyHostToDevice, stream_),
             "write");
}

Result<void> CudaStream::read(const Buffer& source, size_t offset, std::span<uint8_t> bytes) {
    FP4_TRY(state_);
    if (!within(offset, bytes.size(), source.bytes())) {
        return error(Status::argument, "read: ", offset, " + ", bytes.size(), " is outside of a buffer of ",
                     source.bytes(), " bytes");
    }
    if (!bytes.empty()) {
        launched(cudaMemcpyAsync(bytes.data(), device(source).data() + offset, bytes.size(),
                                 cudaMemcpyDeviceToHost, stream_),
                 "read");
    }
    return wait("read");
}

template <class Launch>
void CudaStream::produce(const char* operation, const Transform* transform, ActivationFormat format, size_t n,
                         Activation& out, Launch&& launch) {
    const RoundingView rounding = rounding_view(transform, format);
    static_cast<CudaActivation&>(out).set_kind(format.kind);
    const ActivationView target = device(out).view(n);
    const bool second_pass = needs_second_pass(rounding, target);
    if (second_pass) launched(cudaMemsetAsync(target.row_amax, 0, n * sizeof(uint32_t), stream_), operation);
    launched(launch(rounding, target), operation);
    if (second_pass) launched(launch_round(n, rounding, target, stream_), operation);
}

void CudaStream::embed(const Weight& table, const Buffer& ids, size_t n, float scale, Buffer& x) {
    if (!require(holds(ids, n, 1) && holds(x, n, table.cols()), "embed", "a buffer is too small") || n == 0)
        return;
    launched(launch_embed(device(table).view(), reinterpret_cast<const int32_t*>(device(ids).data()), n,
                          scale, device(x).floats(), stream_),
             "embed");
}

void CudaStream::norm(const Buffer& x, size_t first_row, size_t n, const NormParams& norm,
                      const Transform* transform, ActivationFormat format, Activation& out) {
    const size_t cols = out.cols();
    if (!rounding_fits("norm", n, cols, transform, out) || !vector_of(norm.weight, cols, "norm")) return;
    if (!require(holds(x, first_row + n, cols), "norm", "the input is too small")) return;
    produce("norm", transform, format, n, out,
            [&](const RoundingView& rounding, const ActivationView& target) {
                return launch_norm(device(x).floats() + first_row * cols, n, view(norm), rounding, target,
                                   stream_);
            });
}

void CudaStream::rope_append(Buffer& q, const Buffer& k, const Buffer& v, size_t n, size_t position,
                             const HeadShape& shape, const NormParams* q_norm, const NormParams* k_norm,
                             const RopeParams& rope, KvCache& cache, size_t layer) {
    const char* name = "rope_append";
    const size_t kv_row = cache.shape().row();
    if (!cache_holds(name, shape, cache, layer, position, n) ||
        !require(
            n > 0 && holds(q, n, shape.heads * shape.head_dim) && holds(k, n, kv_row) && holds(v, n, kv_row),
            name, "a buffer is too small") ||
        !vector_of(rope.inverse_frequency, shape.head_dim / 2, name)) {
        return;
    }
    RopeView args;
    args.n = u32(n);
    args.position = u32(position);
    args.heads = u32(shape.heads);
    args.inverse_frequency = device(*rope.inverse_frequency).f32();
    args.amplitude = rope.amplitude;
    args.interleaved = rope.interleaved;
    if (q_norm) {
        if (!vector_of(q_norm->weight, shape.head_dim, name)) return;
        args.q_norm = view(*q_norm);
    }
    if (k_norm) {
        if (!vector_of(k_norm->weight, shape.head_dim, name)) return;
        args.k_norm = view(*k_norm);
    }
    launched(launch_rope(args, device(q).floats(), device(k).floats(), device(v).floats(),
                         static_cast<CudaKvCache&>(cache).view(layer), stream_),
             name);
}

void CudaStream::attention(const Buffer& q, size_t n, size_t position, const AttentionParams& params,
                           const KvCache& cache, size_t layer, const Transform* transform,
                           ActivationFormat format, Activation& out) {
    const char* name = "attention";
    const HeadShape& shape = params.shape;
    const size_t width = shape.heads * shape.head_dim;
    if (!cache_holds(name, shape, cache, layer, position, n) ||
        !rounding_fits(name, n, width, transform, out) ||
        !require(holds(q, n, width), name, "the query is too small")) {
        return;
    }
    if (n > few_tokens)
        return attention_of_many(q, n, position, params, cache, layer, transform, format, out);
    AttentionView args;
    args.n = u32(n);
    args.position = u32(position);
    args.heads = u32(shape.heads);
    args.scale = params.scale;
    args.window = u32(std::min<size_t>(params.window, UINT32_MAX));
    args.splits = attention_splits(args.n, args.position, args.heads, u32(shape.kv_heads), processors_);
    const size_t states = n * shape.heads * args.splits;
    args.sums = reinterpret_cast<float*>(reserve(attention_sums_, states * shape.head_dim * sizeof(float)));
    args.states = reinterpret_cast<float2*>(reserve(attention_states_, states * sizeof(float2)));
    if (!args.sums || !args.states) return;
    launched(launch_attention_parts(args, device(q).floats(),
                                    static_cast<const CudaKvCache&>(cache).view(layer), stream_),
             name);
    produce(name, transform, format, n, out, [&](const RoundingView& rounding, const ActivationView& target) {
        return launch_attention_combine(args, u32(shape.head_dim), rounding, target, stream_);
    });
}

void CudaStream::attention_of_many(const Buffer& q, size_t n, size_t position, const AttentionParams& params,
                                   const KvCache& cache, size_t layer, const Transform* transform,
                                   ActivationFormat format, Activation& out) {
    const char* name = "attention";
    const HeadShape& shape = params.shape;
    PrefillAttention args;
    args.q = device(q).floats();
    args.n = u32(n);
    args.position = u32(position);
    args.heads = u32(shape.heads);
    args.scale = params.scale;
    args.window = u32(std::min<size_t>(params.window, UINT32_MAX));
    args.kv = static_cast<const CudaKvCache&>(cache).view(layer);
    args.splits = prefill_attention_splits(args, processors_);
    const size_t states = n * shape.heads * args.splits;
    args.sums = reinterpret_cast<float*>(reserve(attention_sums_, states * shape.head_dim * sizeof(float)));
    args.states = reinterpret_cast<float2*>(reserve(attention_states_, states * sizeof(float2)));
    if (!args.sums || !args.states) return;
    launched(launch_prefill_attention(args, stream_), name);
    AttentionView parts;
    parts.n = args.n;
    parts.heads = args.heads;
    parts.splits = args.splits;
    parts.sums = args.sums;
    parts.states = args.states;
    produce(name, transform, format, n, out, [&](const RoundingView& rounding, const ActivationView& target) {
        return launch_attention_combine(parts, u32(shape.head_dim), rounding, target, stream_);
    });
}

void CudaStream::glu(const Buffer& gate, const Buffer& up, size_t n, GluKind kind, const Transform* transform,
                     ActivationFormat format, Activation& out) {
    const size_t width = out.cols();
    if (!rounding_fits("glu", n, width, transform, out)) return;
    if (!require(holds(gate, n, width) && holds(up, n, width), "glu", "an input is too small")) return;
    produce(
        "glu", transform, format, n, out, [&](const RoundingView& rounding, const ActivationView& target) {
            return launch_glu(device(gate).floats(), device(up).floats(), n, kind, rounding, target, stream_);
        });
}

void CudaStream::norm_add(const Buffer& y, size_t n, const NormParams& norm, Buffer& x) {
    if (!require(norm.weight && n > 0, "norm_add", "there is no weight or no row")) return;
    const size_t cols = norm.weight->cols();
    if (!vector_of(norm.weight, cols, "norm_add")) return;
    if (!require(holds(y, n, cols) && holds(x, n, cols), "norm_add", "a buffer is too small")) return;
    launched(launch_norm_add(device(y).floats(), n, u32(cols), view(norm), device(x).floats(), stream_),
             "norm_add");
}

Result<int32_t> CudaStream::sample(const Buffer& logits, size_t row, size_t vocab,
                                   const SampleRequest& request) {
    FP4_TRY(state_);
    if (vocab == 0 || !holds(logits, row + 1, vocab))
        return error(Status::argument, "sample: the logits have no row ", row);
    const float* values = device(logits).floats() + row * vocab;
    FP4_ASSIGN(int32_t token, draws_most_likely(request) ? sample_greedy(values, vocab)
                                                         : sample_on_host(values, vocab, request));
    if (token < 0) return error(Status::state, "sample: every token is forbidden or has a NaN logit");
    return token;
}

Result<int32_t> CudaStream::sample_greedy(const float* logits, size_t vocab) {
    int32_t token = -1;
    // The token, behind the parts.
    auto* parts = argmax_.as<int2>();
    auto* place = reinterpret_cast<int32_t*>(parts + argmax_blocks);
    launched(launch_argmax(logits, u32(vocab), parts, place, stream_), "sample");
    launched(cudaMemcpyAsync(&token, place, sizeof token, cudaMemcpyDeviceToHost, stream_), "sample");
    FP4_TRY(wait("sample"));
    return token;
}

Result<int32_t> CudaStream::sample_on_host(const float* logits, size_t vocab, const SampleRequest& request) {
    host_logits_.resize(vocab);
    launched(
        cudaMemcpyAsync(host_logits_.data(), logits, vocab * sizeof(float), cudaMemcpyDeviceToHost, stream_),
        "sample");
    FP4_TRY(wait("sample"));
    return sample_token(host_logits_, request);
}

Result<void> CudaStream::check_kv(const KvCache& cache, size_t layer, size_t first, size_t count, size_t keys,
                                  size_t values) const {
    FP4_TRY(state_);
    const KvShape& shape = cache.shape();
    if (layer >= shape.layers || !within(first, count, shape.capacity)) {
        return error(Status::argument, "KV rows ", first, " + ", count, " of layer ", layer,
                     " are outside of the cache");
    }
    const size_t bytes = count * shape.row_bytes();
    if (keys != bytes || values != bytes)
        return error(Status::argument, "KV rows need ", bytes, " bytes, not ", keys, " and ", values);
    return {};
}

Result<void> CudaStream::read_kv(const KvCache& cache, size_t layer, size_t first, size_t count,
                                 std::span<uint8_t> keys, std::span<uint8_t> values) {
    FP4_TRY(check_kv(cache, layer, first, count, keys.size(), values.size()));
    const KvView view = static_cast<const CudaKvCache&>(cache).view(layer);
    const size_t offset = first * cache.shape().row_bytes();
    if (count == 0) return {};
    launched(cudaMemcpyAsync(keys.data(), view.keys + offset, keys.size(), cudaMemcpyDeviceToHost, stream_),
             "read_kv");
    launched(
        cudaMemcpyAsync(values.data(), view.values + offset, values.size(), cudaMemcpyDeviceToHost, stream_),
        "read_kv");
    return wait("read_kv");
}

Result<void> CudaStream::write_kv(KvCache& cache, size_t layer, size_t first, size_t count,
                                  std::span<const uint8_t> keys, std::span<const uint8_t> values) {
    FP4_TRY(check_kv(cache, layer, first, count, keys.size(), values.size()));
    const KvView view = static_cast<CudaKvCache&>(cache).view(layer);
    const size_t offset = first * cache.shape().row_bytes();
    if (count == 0) return {};
    launched(cudaMemcpyAsync(view.keys + offset, keys.data(), keys.size(), cudaMemcpyHostToDevice, stream_),
             "write_kv");
    launched(
        cudaMemcpyAsync(view.values + offset, values.data(), values.size(), cudaMemcpyHostToDevice, stream_),
        "write_kv");
    return wait("write_kv");
}

void CudaStream::read_input(const Activation& input, size_t n, Buffer& values) {
    const ActivationView& from = device(input).view();
    const size_t row = from.cols * sizeof(float);
    if (!require(n <= input.max_rows() && holds(values, n, from.cols), "read_input", "a buffer is too small"))
        return;
    launched(cudaMemcpy2DAsync(device(values).data(), row, from.values, from.pitch() * sizeof(float), row, n,
                               cudaMemcpyDeviceToDevice, stream_),
             "read_input");
}

void CudaStream::accumulate_gram(const Buffer& a, size_t a_cols, const Buffer& b, size_t b_cols, size_t n,
                                 Buffer& sum) {
    if (!require(n > 0 && holds(a, n, a_cols) && holds(b, n, b_cols) && holds(sum, a_cols, b_cols),
                 "accumulate_gram", "a buffer is too small") ||
        a_cols == 0 || b_cols == 0) {
        return;
    }
    launched(launch_gram(device(a).floats(), u32(a_cols), device(b).floats(), u32(b_cols), u32(n),
                         device(sum).floats(), stream_),
             "accumulate_gram");
}

} // namespace fp4::cuda
