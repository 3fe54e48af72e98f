#include "libfp4/cpu/host_stream.h"

#include <cstring>

namespace fp4 {
namespace {

const HostMatrix& host(const Weight& weight) {
    return static_cast<const HostMatrix&>(weight);
}
const HostTransform* host(const Transform* transform) {
    return static_cast<const HostTransform*>(transform);
}

uint8_t* bytes_of(const Buffer& buffer) {
    return static_cast<const HostBuffer&>(buffer).data();
}
float* floats(const Buffer& buffer) {
    return reinterpret_cast<float*>(bytes_of(buffer));
}

} // namespace

void HostStream::write(Buffer& target, size_t offset, std::span<const uint8_t> bytes) {
    if (!require(within(offset, bytes.size(), target.bytes()), "write", "outside of the buffer")) return;
    if (!bytes.empty()) std::memcpy(bytes_of(target) + offset, bytes.data(), bytes.size());
}

Result<void> HostStream::read(const Buffer& source, size_t offset, std::span<uint8_t> bytes) {
    FP4_TRY(check_read(source, offset, bytes.size()));
    if (!bytes.empty()) std::memcpy(bytes.data(), bytes_of(source) + offset, bytes.size());
    return {};
}

void HostStream::embed(const Weight& table, const Buffer& ids, size_t n, float scale, Buffer& x) {
    if (!require(holds(ids, n, 1) && holds(x, n, table.cols()), "embed", "a buffer is too small")) return;
    run_embed(host(table), reinterpret_cast<const int32_t*>(bytes_of(ids)), n, scale, floats(x));
}

void HostStream::norm(const Buffer& x, size_t first_row, size_t n, const NormParams& norm,
                      const Transform* transform, ActivationFormat format, Activation& out) {
    size_t cols = out.cols();
    if (!rounding_fits("norm", n, cols, transform, out) || !vector_of(norm.weight, cols, "norm")) return;
    if (!require(holds(x, first_row + n, cols), "norm", "the input is too small")) return;
    HostNorm rms{host(*norm.weight).f32(), norm.epsilon, cols};
    run_norm(floats(x) + first_row * cols, n, rms, {host(transform), format, &out});
}

void HostStream::linear(const Activation& input, size_t n, std::span<const LinearTarget> targets) {
    targets_.clear();
    for (const LinearTarget& target : targets) {
        if (!require(target.weight && target.out, "linear", "a target has no weight or output")) return;
        if (!require(n <= input.max_rows() && target.weight->cols() == input.cols(), "linear",
                     "the weight does not fit the input")) {
            return;
        }
        size_t rows = target.weight->rows();
        if (!require(holds(*target.out, n, rows), "linear", "the output is too small")) return;
        if (target.bias && !vector_of(target.bias, rows, "linear")) return;
        if (!require(within(target.first_row, target.row_count, rows), "linear",
                     "the part is outside of the weight")) {
            return;
        }
        const bool whole = target.row_count == 0;
        targets_.push_back({&host(*target.weight), target.bias ? host(*target.bias).f32() : nullptr,
                            floats(*target.out), target.accumulate, whole ? 0 : target.first_row,
                            whole ? rows : target.first_row + target.row_count});
    }
    if (state_.ok() && n > 0) run_linear(input, n, targets_);
}

void HostStream::rope_append(Buffer& q, const Buffer& k, const Buffer& v, size_t n, size_t position,
                             const HeadShape& shape, const NormParams* q_norm, const NormParams* k_norm,
                             const RopeParams& rope, KvCache& cache, size_t layer) {
    const char* name = "rope_append";
    const KvShape& kv = cache.shape();
    if (!cache_holds(name, shape, cache, layer, position, n) ||
        !require(holds(q, n, shape.heads * shape.head_dim) && holds(k, n, kv.row()) && holds(v, n, kv.row()),
                 name, "a buffer is too small") ||
        !vector_of(rope.inverse_frequency, shape.head_dim / 2, name)) {
        return;
    }
    HostNorm q_rms, k_rms;
    HostRope args{n,
                  position,
                  shape,
                  nullptr,
                  nullptr,
                  host(*rope.inverse_frequency).f32(),
                  rope.amplitude,
                  rope.interleaved};
    if (q_norm) {
        if (!vector_of(q_norm->weight, shape.head_dim, name)) return;
        q_rms = {host(*q_norm->weight).f32(), q_norm->epsilon, shape.head_dim};
        args.q_norm = &q_rms;
    }
    if (k_norm) {
        if (!vector_of(k_norm->weight, shape.head_dim, name)) return;
        k_rms = {host(*k_norm->weight).f32(), k_norm->epsilon, shape.head_dim};
        args.k_norm = &k_rms;
    }
    auto& host_cache = static_cast<HostKvCache&>(cache);
    run_rope(args, floats(q), floats(k), floats(v), host_cache.keys(layer, position),
             host_cache.values(layer, position));
}

void HostStream::attention(const Buffer& q, size_t n, size_t position, const AttentionParams& params,
                           const KvCache& cache, size_t layer, const Transform* transform,
                           ActivationFormat format, Activation& out) {
    const char* name = "attention";
    const HeadShape& shape = params.shape;
    size_t width = shape.heads * shape.head_dim;
    if (!cache_holds(name, shape, cache, layer, position, n) ||
        !rounding_fits(name, n, width, transform, out) ||
        !require(holds(q, n, width), name, "the query is too small")) {
        return;
    }
    auto& host_cache = static_cast<const HostKvCache&>(cache);
    run_attention({n, position, params}, floats(q), host_cache.keys(layer, 0), host_cache.values(layer, 0),
                  {host(transform), format, &out});
}

void HostStream::glu(const Buffer& gate, const Buffer& up, size_t n, GluKind kind, const Transform* transform,
                     ActivationFormat format, Activation& out) {
    size_t width = out.cols();
    if (!rounding_fits("glu", n, width, transform, out)) return;
    if (!require(holds(gate, n, width) && holds(up, n, width), "glu", "an input is too small")) return;
    run_glu(floats(gate), floats(up), n, width, kind, {host(transform), format, &out});
}

void HostStream::norm_add(const Buffer& y, size_t n, const NormParams& norm, Buffer& x) {
    if (!require(norm.weight, "norm_add", "there is no weight")) return;
    size_t cols = norm.weight->cols();
    if (!vector_of(norm.weight, cols, "norm_add")) return;
    if (!require(holds(y, n, cols) && holds(x, n, cols), "norm_add", "a buffer is too small")) return;
    run_norm_add(floats(y), n, {host(*norm.weight).f32(), norm.epsilon, cols}, floats(x));
}

Result<void> HostStream::draw(const Buffer& logits, size_t row, size_t vocab, const SampleRequest& request,
                              Buffer* ids) {
    FP4_TRY(check_logits(logits, row, vocab));
    if (ids && !holds(*ids, 1, 1)) return error(Status::argument, "sample: the buffer of ids is empty");
    const int32_t token = sample_token({floats(logits) + row * vocab, vocab}, request);
    if (token < 0) return no_token_left();
    if (ids) std::memcpy(bytes_of(*ids), &token, sizeof token);
    drawn_.push_back(token);
    return {};
}

Result<int32_t> HostStream::take_drawn() {
    if (drawn_.empty()) return error(Status::state, "sample: no token was drawn");
    const int32_t token = drawn_.front();
    drawn_.pop_front();
    return token;
}

void HostStream::read_input(const Activation& input, size_t n, Buffer& values) {
    if (!require(n <= input.max_rows() && holds(values, n, input.cols()), "read_input",
                 "a buffer is too small"))
        return;
    run_read_input(input, n, floats(values));
}

void HostStream::accumulate_gram(const Buffer& a, size_t a_cols, const Buffer& b, size_t b_cols, size_t n,
                                 Buffer& sum) {
    if (!require(n > 0 && holds(a, n, a_cols) && holds(b, n, b_cols) && holds(sum, a_cols, b_cols),
                 "accumulate_gram", "a buffer is too small") ||
        a_cols == 0 || b_cols == 0) {
        return;
    }
    run_gram(floats(a), a_cols, floats(b), b_cols, n, floats(sum));
}

Result<void> HostStream::read_kv(const KvCache& cache, size_t layer, size_t first, size_t count,
                                 std::span<uint8_t> keys, std::span<uint8_t> values) {
    FP4_TRY(check_kv(cache, layer, first, count, keys.size(), values.size()));
    auto& host_cache = static_cast<const HostKvCache&>(cache);
    if (count == 0) return {};
    std::memcpy(keys.data(), host_cache.keys(layer, first).data, keys.size());
    std::memcpy(values.data(), host_cache.values(layer, first).data, values.size());
    return {};
}

Result<void> HostStream::write_kv(KvCache& cache, size_t layer, size_t first, size_t count,
                                  std::span<const uint8_t> keys, std::span<const uint8_t> values) {
    FP4_TRY(check_kv(cache, layer, first, count, keys.size(), values.size()));
    auto& host_cache = static_cast<HostKvCache&>(cache);
    if (count == 0) return {};
    std::memcpy(host_cache.keys(layer, first).data, keys.data(), keys.size());
    std::memcpy(host_cache.values(layer, first).data, values.data(), values.size());
    return {};
}

} // namespace fp4
