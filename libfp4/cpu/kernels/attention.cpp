// Attention of a block of query rows over a range of the cache: keys are converted and scored in chunks, with
// a running softmax (Milakov and Gimelshein, arXiv 1805.02867; FlashAttention, arXiv 2205.14135,
// section 3.1).
#include "libfp4/cpu/kernels/exp.h"
#include "libfp4/cpu/kernels/kernel_functions.h"

namespace fp4::FP4_CPU_LEVEL {
namespace {

const float no_score = -__builtin_inff();
constexpr size_t kv_block_size = 32; // of MXFP8 and MXFP4

// The first head of `count` rows to float32 [count, padded].
void widen(const AttentionBlock& block, KvRows rows, size_t count, size_t padded, float* out) {
    size_t dim = block.dim;
    if (rows.format == KvFormat::f32) {
        for (size_t p = 0; p < count; ++p)
            __builtin_memcpy(out + p * padded, rows.data + p * rows.row_bytes, dim * sizeof(float));
        return;
    }
    if (rows.format == KvFormat::f16) {
        for (size_t p = 0; p < count; ++p) {
            const auto* row = reinterpret_cast<const uint16_t*>(rows.data + p * rows.row_bytes);
            size_t j = 0;
            for (; j + width <= dim; j += width) store(out + p * padded + j, load_f16(row + j));
            if (j < dim) store(out + p * padded + j, load_f16(row + j, dim - j));
        }
        return;
    }
    bool eight_bit = rows.format == KvFormat::mxfp8;
    size_t blocks = (dim + kv_block_size - 1) / kv_block_size, code_bytes = rows.head_bytes - blocks;
    WeightRows head{eight_bit ? WeightFormat::mxfp8_e4m3 : WeightFormat::mxfp4,
                    rows.data,
                    rows.data + code_bytes,
                    rows.head_bytes,
                    blocks,
                    1.0f,
                    dim,
                    block.kv_scales};
    for (size_t p = 0; p < count; ++p) {
        dequantize(head, out + p * padded);
        head.codes += rows.row_bytes;
        head.scales += rows.row_bytes;
    }
}

// acc[r] += sum over p of weights[r][p] * v[p], a tile of `rows` rows and `vectors` vectors.
template <int rows, int vectors>
void weighted_sum(const float* weights, const float* v, size_t padded, size_t count, float* acc,
                  size_t acc_stride) {
    F sums[rows][vectors];
    for (int r = 0; r < rows; ++r)
        for (int i = 0; i < vectors; ++i) sums[r][i] = load(acc + r * acc_stride + i * width);
    for (size_t p = 0; p < count; ++p) {
        F values[vectors];
        for (int i = 0; i < vectors; ++i) values[i] = load(v + p * padded + i * width);
        for (int r = 0; r < rows; ++r) {
            F weight = set(weights[r * attention_chunk + p]);
            for (int i = 0; i < vectors; ++i) sums[r][i] = fma(weight, values[i], sums[r][i]);
        }
    }
    for (int r = 0; r < rows; ++r)
        for (int i = 0; i < vectors; ++i) store(acc + r * acc_stride + i * width, sums[r][i]);
}

template <int rows>
void weighted_rows(const float* weights, const float* v, size_t padded, size_t count, float* acc,
                   size_t acc_stride) {
    constexpr int vectors = 4;
    size_t j = 0;
    for (; j + vectors * width <= padded; j += vectors * width)
        weighted_sum<rows, vectors>(weights, v + j, padded, count, acc + j, acc_stride);
    for (; j < padded; j += width) weighted_sum<rows, 1>(weights, v + j, padded, count, acc + j, acc_stride);
}

// Scores of one row -> softmax weights in place; the running sums move to the new maximum.
void soften(float* scores, size_t count, float* acc, size_t padded, float& row_largest, float& total) {
    F top = set(no_score);
    for (size_t p = 0; p < attention_chunk; p += width) top = max(top, load(scores + p));
    float maximum = largest(top);
    if (maximum < row_largest) maximum = row_largest;
    if (maximum == no_score) { // nothing visible so far
        for (size_t p = 0; p < count; ++p) scores[p] = 0.0f;
        return;
    }
    float old[width];
    store(old, exp(set(row_largest - maximum)));
    F sums = zero();
    for (size_t p = 0; p < attention_chunk; p += width) {
        F weight = exp(load(scores + p) - set(maximum));
        sums = sums + weight;
        store(scores + p, weight);
    }
    total = total * old[0] + sum(sums);
    if (old[0] != 1.0f)
        for (size_t j = 0; j < padded; j += width) store(acc + j, load(acc + j) * set(old[0]));
    row_largest = maximum;
}

} // namespace

void attend(const AttentionBlock& block, const AttentionState& state, float* scratch) {
    size_t rows = block.tokens * block.group, padded = padded_dim(block.dim);
    float* q = scratch;                            // [rows, padded]
    float* kv = q + attention_rows * padded;       // [attention_chunk, padded]
    float* scores = kv + attention_chunk * padded; // [rows, attention_chunk]
    for (size_t r = 0; r < rows; ++r) {
        const float* query = block.q + r / block.group * block.q_stride + r % block.group * block.dim;
        for (size_t j = 0; j < padded; ++j) q[r * padded + j] = j < block.dim ? query[j] * block.scale : 0.0f;
        for (size_t j = 0; j < padded; ++j) state.acc[r * state.acc_stride + j] = 0.0f;
        state.largest[r] = no_score;
        state.total[r] = 0.0f;
    }
    for (size_t j = 0; j < attention_chunk * padded; ++j) kv[j] = 0.0f; // the columns behind dim stay zero
    for (size_t start = block.begin; start < block.end; start += attention_chunk) {
        size_t count = smaller(attention_chunk, block.end - start);
        widen(block, block.keys.at(start, 0), count, padded, kv);
        matmul_f32(q, padded, rows, kv, padded, count, padded, {scores, attention_chunk, nullptr, false});
        for (size_t r = 0; r < rows; ++r) {
            size_t end = block.position + r / block.group + 1; // causal: rows [first, end) are visible
            size_t first = block.window != 0 && end > block.window ? end - block.window : 0;
            float* row = scores + r * attention_chunk;
            for (size_t p = 0; p < attention_chunk; ++p)
                if (p >= count || start + p >= end || start + p < first) row[p] = no_score;
            soften(row, count, state.acc + r * state.acc_stride, padded, state.largest[r], state.total[r]);
        }
        widen(block, block.values.at(start, 0), count, padded, kv);
        size_t r = 0;
        for (; r + 4 <= rows; r += 4)
            weighted_rows<4>(scores + r * attention_chunk, kv, padded, count,
                             state.acc + r * state.acc_stride, state.acc_stride);
        for (; r < rows; ++r)
            weighted_rows<1>(scores + r * attention_chunk, kv, padded, count,
                             state.acc + r * state.acc_stride, state.acc_stride);
    }
}

void merge(float* into, float& into_largest, float& total, const float* from, float from_largest,
           float from_total, size_t dim) {
    if (from_largest == no_score) return;
    float maximum = into_largest > from_largest ? into_largest : from_largest;
    float a[width], b[width];
    store(a, exp(set(into_largest - maximum)));
    store(b, exp(set(from_largest - maximum)));
    for (size_t j = 0; j < dim; ++j) into[j] = into[j] * a[0] + from[j] * b[0];
    total = total * a[0] + from_total * b[0];
    into_largest = maximum;
}

} // namespace fp4::FP4_CPU_LEVEL
