// Rotary embedding into the cache, and attention spread over kv heads, query blocks and, when those are too
// few, parts of the context.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "libfp4/cpu/cpu_work.h"
#include "libfp4/cpu/scale_table.h"
#include "libfp4/cpu/spread.h"

namespace fp4 {

// The angle is rounded to float32 first, as in training software.
void CpuStream::prepare_angles(const HostRope& rope) {
    size_t half = rope.shape.head_dim / 2;
    bool known = frequencies_.size() == half && angle_position_ == rope.position && angle_count_ == rope.n &&
                 angle_amplitude_ == rope.amplitude &&
                 std::memcmp(frequencies_.data(), rope.inverse_frequency, half * sizeof(float)) == 0;
    if (known) return;
    frequencies_.assign(rope.inverse_frequency, rope.inverse_frequency + half);
    cosines_.resize(rope.n * half);
    sines_.resize(rope.n * half);
    for (size_t t = 0; t < rope.n; ++t) {
        for (size_t i = 0; i < half; ++i) {
            float angle = static_cast<float>(rope.position + t) * frequencies_[i];
            cosines_[t * half + i] = static_cast<float>(std::cos(double(angle)) * rope.amplitude);
            sines_[t * half + i] = static_cast<float>(std::sin(double(angle)) * rope.amplitude);
        }
    }
    angle_position_ = rope.position;
    angle_count_ = rope.n;
    angle_amplitude_ = rope.amplitude;
}

void CpuStream::store_kv(const float* x, size_t dim, KvRows rows) const {
    if (rows.format == KvFormat::f16) {
        kernels_.to_f16(x, dim, rows.f16());
    } else {
        store_head(x, dim, rows);
    }
}

void CpuStream::run_rope(const HostRope& rope, float* q, const float* k, const float* v, KvRows keys,
                         KvRows values) {
    prepare_angles(rope);
    size_t dim = rope.shape.head_dim;
    if (!reserve_workers(dim * sizeof(float))) return;
    spread(rope.n, rope.n > 1, [&](size_t t, size_t worker) {
        const float* cosine = cosines_.data() + t * (dim / 2);
        const float* sine = sines_.data() + t * (dim / 2);
        for (size_t h = 0; h < rope.shape.heads; ++h) {
            float* head = q + (t * rope.shape.heads + h) * dim;
            if (rope.q_norm) kernels_.rms_norm(head, rope.q_norm->weight, rope.q_norm->epsilon, dim, head);
            kernels_.rotate(head, cosine, sine, dim, rope.interleaved);
        }
        auto* head = reinterpret_cast<float*>(worker_scratch(worker));
        for (size_t h = 0; h < rope.shape.kv_heads; ++h) {
            size_t at = (t * rope.shape.kv_heads + h) * dim;
            if (rope.k_norm) {
                kernels_.rms_norm(k + at, rope.k_norm->weight, rope.k_norm->epsilon, dim, head);
            } else {
                std::memcpy(head, k + at, dim * sizeof(float));
            }
            kernels_.rotate(head, cosine, sine, dim, rope.interleaved);
            store_kv(head, dim, keys.at(t, h));
            store_kv(v + at, dim, values.at(t, h));
        }
    });
}

void CpuStream::run_attention(const HostAttention& attention, const float* q, KvRows keys, KvRows values,
                              const HostRounding& rounding) {
    const HeadShape& shape = attention.params.shape;
    size_t dim = shape.head_dim, padded = padded_dim(dim), width = attention.width();
    size_t heads_per_kv = shape.heads / shape.kv_heads;
    size_t end = attention.position + attention.n;
    size_t visible =
        attention.params.window != 0 ? std::min(end, attention.params.window + attention.n) : end;
    const AttentionCut cut = cut_attention(shape, attention.n, visible, threads_);
    const size_t group = cut.group, block_tokens = cut.block_tokens, blocks = cut.blocks;
    const size_t parts = cut.parts, rows = cut.rows, state_floats = cut.state_floats, tasks = cut.tasks();
    float* states = partials_.floats(tasks * state_floats);
    size_t scratch = attention_scratch(dim) * sizeof(float);
    if (!states) return fail(error(Status::memory, "attention: no memory for ", tasks, " parts"));
    if (!reserve_workers(scratch)) return;
    auto state_of = [&](size_t task) {
        float* acc = states + task * state_floats;
        return AttentionState{acc, padded, acc + rows * padded, acc + rows * padded + rows};
    };

    auto blocks_of_kv = kv_block(keys.format);
    const float* kv_scales = blocks_of_kv ? scale_table(to_weight_format(blocks_of_kv->format)) : nullptr;
    bool parallel = tasks > 1 && attention.n * visible * width > 65536;
    spread(tasks, parallel, [&](size_t task, size_t worker) {
        size_t part = task % parts, block = task / parts % blocks, g = task / parts / blocks;
        size_t first = block * block_tokens, count = std::min(block_tokens, attention.n - first);
        size_t kv_head = g * group / heads_per_kv;
        size_t block_end = attention.position + first + count;
        size_t block_begin = attention.position + first + 1;
        block_begin = attention.params.window != 0 && block_begin > attention.params.window
                          ? block_begin - attention.params.window
                          : 0;
        size_t span = block_end - block_begin;
        AttentionBlock args{q + first * width + g * group * dim,
                            width,
                            count,
                            group,
                            dim,
                            attention.params.scale,
                            keys.at(0, kv_head),
                            values.at(0, kv_head),
                            kv_scales,
                            attention.position + first,
                            attention.params.window,
                            block_begin + span * part / parts,
                            block_begin + span * (part + 1) / parts};
        kernels_.attend(args, state_of(task), reinterpret_cast<float*>(worker_scratch(worker)));
    });

    produce_rows(rounding, attention.n, width, [&](size_t token, float* out) {
        size_t block = token / block_tokens;
        for (size_t h = 0; h < shape.heads; ++h) {
            size_t row = token % block_tokens * group + h % group;
            size_t task = (h / group * blocks + block) * parts;
            AttentionState state = state_of(task);
            float* acc = state.acc + row * padded;
            for (size_t part = 1; part < parts; ++part) {
                AttentionState other = state_of(task + part);
                kernels_.merge(acc, state.largest[row], state.total[row], other.acc + row * padded,
                               other.largest[row], other.total[row], dim);
            }
            float inverse = 1.0f / state.total[row];
            for (size_t j = 0; j < dim; ++j) out[h * dim + j] = acc[j] * inverse;
        }
    });
}

} // namespace fp4
