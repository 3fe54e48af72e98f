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
#include "cuda/views.h"
#include "cuda/work_memory.h"

namespace fp4::cuda {
namespace {

void set_parts(const AttentionCall& call, AttentionParts& parts) {
    parts.n = u32(call.n);
    parts.heads = u32(call.params.shape.heads);
    parts.scale = call.params.scale;
    parts.window = u32(std::min<size_t>(call.params.window, UINT32_MAX));
}

} // namespace

Result<std::unique_ptr<CudaStream>> CudaStream::create(const StreamConfig& config, int processors) {
    int lowest = 0, highest = 0;
    FP4_TRY(check(cudaDeviceGetStreamPriorityRange(&lowest, &highest), "read the stream priorities"));
    cudaStream_t stream = nullptr;
    FP4_TRY(check(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking,
                                               config.priority == ThreadPriority::low ? lowest : highest),
                  "create a stream"));
    auto result = std::unique_ptr<CudaStream>(new CudaStream(stream, processors));
    FP4_ASSIGN(result->argmax_, DeviceMemory::create(argmax_blocks * sizeof(int2)));
    FP4_ASSIGN(result->sample_sums_, DeviceMemory::create(sample_scratch_bytes));
    FP4_ASSIGN(result->drawn_, DrawnTokens::create());
    FP4_ASSIGN(result->position_, DeviceMemory::create(sizeof(uint32_t)));
    return result;
}

CudaStream::~CudaStream() {
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
}

Result<void> CudaStream::reserve(const StreamWork& work) {
    const WorkMemory needed = work_memory(work, processors_);
    reserve(attention_sums_, needed.attention_sums);
    reserve(attention_states_, needed.attention_states);
    reserve(attention_counters_, needed.attention_counters);
    reserve(matvec_sums_, needed.matvec_sums);
    reserve(matvec_counters_, needed.matvec_counters);
    reserve(gemm_sums_, needed.gemm_sums);
    return state_;
}

void CudaStream::launched(cudaError_t code, const char* operation) {
    if (code = seen(code); code != cudaSuccess) fail(cuda_error(code, "start ", operation));
}

Result<void> CudaStream::wait(const char* operation) {
    if (state_.ok()) {
        const cudaError_t code = seen(cudaStreamSynchronize(stream_));
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
    records_.clear(); // they use the memory that is freed here
    memory = {};
    auto larger = DeviceMemory::create(bytes);
    if (!larger.ok()) {
        fail(std::move(larger).error());
        return nullptr;
    }
    memory = std::move(*larger);
    return memory.data();
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
    FP4_TRY(check_read(source, offset, bytes.size()));
    if (!bytes.empty()) {
        launched(cudaMemcpyAsync(bytes.data(), device(source).data() + offset, bytes.size(),
                                 cudaMemcpyDeviceToHost, stream_),
                 "read");
    }
    return wait("read");
}

template <class Launch>
void CudaStream::produce(const char* operation, const Transform* transform, ActivationFormat format, size_t n,
                         bool whole_rows, Activation& out, Launch&& launch) {
    const RoundingView rounding = rounding_view(transform, format);
    const ActivationView target = written(out, format).view(n);
    const bool second_pass = needs_second_pass(rounding, target) && !(whole_rows && fits_whole_rows(target));
    if (second_pass) launched(cudaMemsetAsync(target.row_amax, 0, n * sizeof(uint32_t), stream_), operation);
    launched(launch(rounding, target), operation);
    if (second_pass) launched(launch_round(n, rounding, target, stream_), operation);
}

void CudaStream::embed(const Weight& table, const Buffer& ids, size_t n, float scale, Buffer& x) {
    if (collect([=, this, &table, &ids, &x] { embed(table, ids, n, scale, x); })) return;
    if (!require(holds(ids, n, 1) && holds(x, n, table.cols()), "embed", "a buffer is too small") || n == 0)
        return;
    launched(launch_embed(device(table).view(), reinterpret_cast<const int32_t*>(device(ids).data()), n,
                          scale, device(x).floats(), stream_),
             "embed");
}

void CudaStream::norm(const Buffer& x, size_t first_row, size_t n, const NormParams& norm,
                      const Transform* transform, ActivationFormat format, Activation& out) {
    if (collect(NormCall{&x, first_row, n, norm, transform, format, &out})) return;
    const size_t cols = out.cols();
    if (!rounding_fits("norm", n, cols, transform, out) || !vector_of(norm.weight, cols, "norm")) return;
    if (!require(holds(x, first_row + n, cols), "norm", "the input is too small")) return;
    produce("norm", transform, format, n, true, out,
            [&](const RoundingView& rounding, const ActivationView& target) {
                return launch_norm(device(x).floats() + first_row * cols, n, view(norm), rounding, target,
                                   stream_);
            });
}

// What rope_append and one token's attention share. False where the arguments make no sense.
bool CudaStream::rope_view(const RopeCall& call, RopeView& args) {
    const char* name = "rope_append";
    const HeadShape& shape = call.shape;
    const size_t kv_row = call.cache->shape().row();
    if (!cache_holds(name, shape, *call.cache, call.layer, call.position, call.n) ||
        !require(call.n > 0 && holds(*call.q, call.n, shape.heads * shape.head_dim) &&
                     holds(*call.k, call.n, kv_row) && holds(*call.v, call.n, kv_row),
                 name, "a buffer is too small") ||
        !vector_of(call.rope.inverse_frequency, shape.head_dim / 2, name) ||
        (call.q_norm && !vector_of(call.q_norm->weight, shape.head_dim, name)) ||
        (call.k_norm && !vector_of(call.k_norm->weight, shape.head_dim, name))) {
        return false;
    }
    args.n = u32(call.n);
    args.position = place_of(call.position, name);
    args.heads = u32(shape.heads);
    args.inverse_frequency = device(*call.rope.inverse_frequency).f32();
    args.amplitude = call.rope.amplitude;
    args.interleaved = call.rope.interleaved;
    if (call.q_norm) args.q_norm = view(*call.q_norm);
    if (call.k_norm) args.k_norm = view(*call.k_norm);
    return state_.ok();
}

void CudaStream::rope_append(Buffer& q, const Buffer& k, const Buffer& v, size_t n, size_t position,
                             const HeadShape& shape, const NormParams* q_norm, const NormParams* k_norm,
                             const RopeParams& rope, KvCache& cache, size_t layer) {
    RopeCall call{&q, &k, &v, n, position, shape, {}, {}, rope, &cache, layer};
    if (q_norm) call.q_norm = *q_norm;
    if (k_norm) call.k_norm = *k_norm;
    RopeView args;
    if (collect(call) || !rope_view(call, args)) return;
    launched(launch_rope(args, device(q).floats(), device(k).floats(), device(v).floats(),
                         static_cast<CudaKvCache&>(cache).view(layer), stream_),
             "rope_append");
}

bool CudaStream::attention_fits(const AttentionCall& call) {
    const char* name = "attention";
    const HeadShape& shape = call.params.shape;
    const size_t width = shape.heads * shape.head_dim;
    return cache_holds(name, shape, *call.cache, call.layer, call.position, call.n) &&
           rounding_fits(name, call.n, width, call.transform, *call.out) &&
           require(holds(*call.q, call.n, width), name, "the query is too small");
}

void CudaStream::attention(const Buffer& q, size_t n, size_t position, const AttentionParams& params,
                           const KvCache& cache, size_t layer, const Transform* transform,
                           ActivationFormat format, Activation& out) {
    const char* name = "attention";
    const AttentionCall call{&q, n, position, params, &cache, layer, transform, format, &out};
    if (collect(call) || !attention_fits(call)) return;
    DecodeAttentionView one;
    const RoundingView rounding_of_one = rounding_view(transform, format);
    if (n == 1 && decode_attention_view(call, rounding_of_one, one)) {
        launched(launch_decode_attention(one, rounding_of_one, written(out, format).view(), stream_), name);
        return;
    }
    if (n > few_tokens) return attention_of_many(call);
    AttentionView args;
    set_parts(call, args);
    args.position = place_of(position, name);
    // One token: the cut of all lengths of its class, as a recorded step must serve them all.
    const uint32_t length = n == 1 ? decode_length_class(u32(position) + 1) : u32(position + n);
    args.splits = attention_splits(args.n, length, args.heads, u32(params.shape.kv_heads), processors_);
    if (!reserve_parts(args, params.shape.head_dim)) return;
    launched(launch_attention_parts(args, device(q).floats(),
                                    static_cast<const CudaKvCache&>(cache).view(layer), stream_),
             name);
    combine_parts(call, args);
}

void CudaStream::attention_of_many(const AttentionCall& call) {
    PrefillAttention args;
    set_parts(call, args);
    args.q = device(*call.q).floats();
    args.position = u32(call.position);
    args.kv = static_cast<const CudaKvCache&>(*call.cache).view(call.layer);
    args.splits = prefill_attention_splits(args, processors_);
    if (!reserve_parts(args, call.params.shape.head_dim)) return;
    launched(launch_prefill_attention(args, stream_), "attention");
    combine_parts(call, args);
}

bool CudaStream::reserve_parts(AttentionParts& parts, size_t head_dim) {
    const size_t states = size_t(parts.n) * parts.heads * parts.splits;
    parts.sums = reinterpret_cast<float*>(reserve(attention_sums_, states * head_dim * sizeof(float)));
    parts.states = reinterpret_cast<float2*>(reserve(attention_states_, states * sizeof(float2)));
    return parts.sums && parts.states;
}

void CudaStream::combine_parts(const AttentionCall& call, const AttentionParts& parts) {
    produce("attention", call.transform, call.format, call.n, false, *call.out,
            [&](const RoundingView& rounding, const ActivationView& target) {
                return launch_attention_combine(parts, u32(call.params.shape.head_dim), rounding, target,
                                                stream_);
            });
}

// One token's attention over a complete cache with a rotated query. False where its kernel does not fit.
bool CudaStream::decode_attention_view(const AttentionCall& call, const RoundingView& rounding,
                                       DecodeAttentionView& view) {
    const HeadShape& shape = call.params.shape;
    const uint32_t heads = u32(shape.heads), kv_heads = u32(shape.kv_heads);
    view.kv = static_cast<const CudaKvCache&>(*call.cache).view(call.layer);
    if (!decode_attention_fits(heads, view.kv, rounding)) return false;
    view.rope.n = 1;
    view.rope.heads = heads;
    view.rope.position = place_of(call.position, "attention");
    view.q = device(*call.q).floats();
    view.scale = call.params.scale;
    view.window = u32(std::min<size_t>(call.params.window, UINT32_MAX));
    view.parts =
        decode_attention_parts(decode_length_class(u32(call.position) + 1), heads, kv_heads, processors_);
    if (view.parts > 1) {
        const size_t states = heads * view.parts;
        view.sums =
            reinterpret_cast<float*>(reserve(attention_sums_, states * shape.head_dim * sizeof(float)));
        view.states = reinterpret_cast<float2*>(reserve(attention_states_, states * sizeof(float2)));
        view.counters = reinterpret_cast<uint32_t*>(
            reserve(attention_counters_, decode_attention_counters(heads, kv_heads) * sizeof(uint32_t)));
        if (!view.sums || !view.states || !view.counters) return false;
    }
    return state_.ok();
}

void CudaStream::glu(const Buffer& gate, const Buffer& up, size_t n, GluKind kind, const Transform* transform,
                     ActivationFormat format, Activation& out) {
    if (collect(GluCall{&gate, &up, n, kind, transform, format, &out})) return;
    const size_t width = out.cols();
    if (!rounding_fits("glu", n, width, transform, out)) return;
    if (!require(holds(gate, n, width) && holds(up, n, width), "glu", "an input is too small")) return;
    produce("glu", transform, format, n, true, out,
            [&](const RoundingView& rounding, const ActivationView& target) {
                return launch_glu(device(gate).floats(), device(up).floats(), n, kind, rounding, target,
                                  stream_);
            });
}

void CudaStream::norm_add(const Buffer& y, size_t n, const NormParams& norm, Buffer& x) {
    if (collect([=, this, &y, &x] { norm_add(y, n, norm, x); })) return;
    if (!require(norm.weight && n > 0, "norm_add", "there is no weight or no row")) return;
    const size_t cols = norm.weight->cols();
    if (!vector_of(norm.weight, cols, "norm_add")) return;
    if (!require(holds(y, n, cols) && holds(x, n, cols), "norm_add", "a buffer is too small")) return;
    launched(launch_norm_add(device(y).floats(), n, u32(cols), view(norm), device(x).floats(), stream_),
             "norm_add");
}

Result<void> CudaStream::draw(const Buffer& logits, size_t row, size_t vocab, const SampleRequest& request,
                              Buffer* ids) {
    FP4_TRY(check_logits(logits, row, vocab));
    if (ids && !holds(*ids, 1, 1)) return error(Status::argument, "sample: the buffer of ids is empty");
    int32_t* place = drawn_.place();
    if (!place) return error(Status::state, "sample: too many tokens were drawn and not taken");
    const float* values = device(logits).floats() + row * vocab;
    const TokenPlaces places{ids ? reinterpret_cast<int32_t*>(device(*ids).data()) : nullptr, place};
    const SamplingConfig& config = *request.config;
    last_draw_ = {values, vocab, config, request.counter, places.next};
    if (changes_logits(request)) {
        FP4_ASSIGN(*place, sample_on_host(values, vocab, request));
        if (*place < 0) return no_token_left();
        FP4_TRY(set_next(places.next, *place));
    } else if (config.temperature <= 0.0f) {
        launched(launch_argmax(values, u32(vocab), argmax_.as<int2>(), places, stream_), "sample");
    } else {
        SampleView view;
        view.logits = values;
        view.count = u32(vocab);
        view.temperature = config.temperature;
        view.top_k = u32(static_cast<size_t>(std::max(config.top_k, 0)));
        view.top_p = config.top_p;
        view.min_p = config.min_p;
        view.uniform = uniform_draw(config.seed, request.counter);
        view.maxima = argmax_.as<int2>();
        view.sums = sample_sums_.data();
        launched(launch_sample(view, places, stream_), "sample");
    }
    launched(drawn_.written(stream_), "sample");
    return state_;
}

Result<int32_t> CudaStream::take_drawn() {
    if (drawn_.empty()) return error(Status::state, "sample: no token was drawn");
    int32_t token = -1;
    const cudaError_t code = seen(drawn_.take(token));
    if (code != cudaSuccess) fail(cuda_error(code, "finish ", "sample"));
    FP4_TRY(state_);
    if (token == sample_undecided) {
        if (!drawn_.empty())
            return error(Status::state,
                         "sample: take each token before the next is drawn; too many are alike");
        const LastDraw& last = last_draw_;
        FP4_ASSIGN(token, sample_on_host(last.logits, last.vocab, {&last.config, {}, {}, last.counter}));
        FP4_TRY(set_next(last.next, token));
    }
    if (token < 0) return no_token_left();
    return token;
}

Result<void> CudaStream::set_next(int32_t* next, int32_t token) {
    if (next)
        launched(cudaMemcpyAsync(next, &token, sizeof token, cudaMemcpyHostToDevice, stream_), "sample");
    return state_;
}

Result<int32_t> CudaStream::sample_on_host(const float* logits, size_t vocab, const SampleRequest& request) {
    host_logits_.resize(vocab);
    launched(
        cudaMemcpyAsync(host_logits_.data(), logits, vocab * sizeof(float), cudaMemcpyDeviceToHost, stream_),
        "sample");
    FP4_TRY(wait("sample"));
    return sample_token(host_logits_, request);
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
    if (!require(n <= input.max_rows() && holds(values, n, from.cols), "read_input",
                 "a buffer is too small") ||
        !require(from.keeps_values, "read_input", "the input was made for weights alone")) {
        return;
    }
    const size_t pitch = from.pitch() * sizeof(float);
    launched(pitch == row ? cudaMemcpyAsync(device(values).data(), from.values, n * row,
                                            cudaMemcpyDeviceToDevice, stream_)
                          : cudaMemcpy2DAsync(device(values).data(), row, from.values, pitch, row, n,
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
