// The SIMD kernels behind the CPU backend: one table of functions per instruction-set level. Everything here
// is plain pointers and sizes; the kernel files are compiled once per level (see level.h).
#pragma once

#include "libfp4/base/checked.h"
#include "libfp4/cpu/cpu_level.h"
#include "libfp4/cpu/kv_rows.h"
#include "libfp4/engine/backend.h"

namespace fp4 {

// Rows of a weight. Codes and scales may be unaligned and nothing behind the last row may be read.
struct WeightRows {
    WeightFormat format;
    const uint8_t* codes;
    const uint8_t* scales;
    size_t row_bytes;
    size_t row_scales;
    float tensor_scale;
    size_t cols;
    const float* scale_values; // [256] what each scale code stands for; null for plain formats

    WeightRows from(size_t row) const {
        WeightRows rest = *this;
        rest.codes += row * row_bytes;
        rest.scales += row * row_scales;
        return rest;
    }
};

// Where products go: data[t * stride + r] for token t and row r, plus bias[r], plus the old value.
struct LinearOut {
    float* data;
    size_t stride;
    const float* bias; // or null
    bool accumulate;
};

// Lane = 8 consecutive elements, the unit every scale of the integer kernels is expanded to. A chunk of 128
// elements keeps its 64 even elements first, then the 64 odd ones, so that they line up with the low and the
// high nibbles of 64 weight bytes. Rows are padded to whole chunks with zero codes.
inline constexpr size_t chunk_elements = 128;
inline constexpr size_t lane_elements = 8;
inline constexpr int32_t e2m1_bias = 12; // makes E2M1 x 2 unsigned

struct IntegerInput {
    const int8_t* codes;    // [n, padded]: MXINT8 codes, or E2M1 values times two
    const float* scales;    // [n, padded / 8]: block scale x token scale x what one integer stands for
    const int32_t* offsets; // [n, padded / 8]: -e2m1_bias x the sum of the lane's codes
    size_t padded;
    size_t block; // elements per scale, 16 or 32

    IntegerInput from(size_t row) const {
        return {codes + row * padded, scales + row * (padded / lane_elements),
                offsets + row * (padded / lane_elements), padded, block};
    }
};

struct IntegerOutput {
    int8_t* codes;
    float* scales;
    int32_t* offsets;
    size_t padded;
};

// One kv head and a block of queries. Query row i belongs to token i / group and head i % group of this kv
// head.
struct AttentionBlock {
    const float* q; // [tokens, q_stride], at this kv head's first query head
    size_t q_stride;
    size_t tokens;
    size_t group; // query heads per kv head
    size_t dim;
    float scale;
    KvRows keys; // at this kv head, of cache row 0
    KvRows values;
    const float* kv_scales; // [256] what the scale codes of a block format stand for; else null
    size_t position;        // of the first token
    size_t window;          // 0: all
    size_t begin, end;      // cache rows to look at
};

// Running softmax of each query row: acc = sum p v, largest = max score, total = sum p.
struct AttentionState {
    float* acc; // [tokens * group, acc_stride]
    size_t acc_stride;
    float* largest; // [tokens * group]
    float* total;   // [tokens * group]
};

inline constexpr size_t attention_chunk = 64; // keys converted and scored at a time
inline constexpr size_t attention_rows = 32;  // most query rows of a block

struct Kernels {
    CpuLevel level;
    const char* instruction_sets;

    // One row to float32, tensor scale included.
    void (*dequantize)(const WeightRows& row, float* out);

    // x [n, stride_x], w [rows, stride_w] float32.
    void (*matmul_f32)(const float* x, size_t stride_x, size_t n, const float* w, size_t stride_w,
                       size_t rows, size_t k, const LinearOut& out);

    // MXFP4, NVFP4 and MXINT8 weights with regular scales.
    void (*matvec_integer)(const WeightRows& w, size_t rows, const IntegerInput& x, size_t n,
                           const LinearOut& out);
    // n >= matmul_tokens, rows <= panel_rows; scratch: matmul_integer_scratch(cols) bytes.
    void (*matmul_integer)(const WeightRows& w, size_t rows, const IntegerInput& x, size_t n,
                           const LinearOut& out, uint8_t* scratch);
    // MXFP4 and NVFP4 weights with regular scales; x as arrange_lanes leaves it, [n, padded].
    void (*matvec_w4_float)(const WeightRows& w, size_t rows, const float* x, size_t padded, size_t n,
                            const LinearOut& out);
    void (*arrange_lanes)(const float* x, size_t padded, float* out);

    // Block formats that are integers: codes, lane scales and offsets of one row.
    void (*round_integer)(ActivationFormat format, const float* x, size_t cols, const IntegerOutput& out);

    // MXFP8 in place: x [padded] becomes the values that its codes stand for.
    void (*round_e4m3)(ScaleRule rule, float* x, size_t cols);

    void (*rms_norm)(const float* x, const float* weight, float epsilon, size_t cols, float* out);
    void (*add)(const float* y, size_t count, float* x);
    void (*scale)(float factor, size_t count, float* x);
    void (*glu)(GluKind kind, const float* gate, const float* up, size_t count, float* out);
    void (*channel_scale)(const float* scale, size_t count, float* x);
    void (*hadamard)(float* x, size_t cols, size_t block);
    // Block b is multiplied with the matrix at b * stride: 0 where all share one.
    void (*block_matrix)(const float* matrix, size_t stride, float* x, size_t cols, size_t block);

    // Rotates head [dim] in place; cosine, sine: [dim / 2].
    void (*rotate)(float* head, const float* cosine, const float* sine, size_t dim, bool interleaved);
    void (*to_f16)(const float* x, size_t count, uint16_t* out);

    // scratch: attention_scratch(dim) floats.
    void (*attend)(const AttentionBlock& block, const AttentionState& state, float* scratch);
    // acc of `from` is merged into `into`, one row of dim values.
    void (*merge)(float* into, float& largest, float& total, const float* from, float from_largest,
                  float from_total, size_t dim);
};

inline constexpr size_t panel_rows = 64;    // most rows of one matmul_integer call
inline constexpr size_t matmul_tokens = 16; // fewest tokens for which unpacking a panel of weights first pays

constexpr size_t padded_cols(size_t cols) {
    return round_up(cols, chunk_elements);
}
constexpr size_t padded_dim(size_t dim) {
    return round_up(dim, 16);
}

// Unpacked bytes of a panel, its float32 scales, and per token (at most 16 at a time) block scales and
// offsets.
constexpr size_t matmul_integer_scratch(size_t cols) {
    return padded_cols(cols) * panel_rows + padded_cols(cols) / 16 * (panel_rows * 4 + 16 * 8);
}
constexpr size_t attention_scratch(size_t dim) {
    return (attention_rows + attention_chunk) * padded_dim(dim) + attention_rows * attention_chunk;
}

extern const Kernels kernels_scalar;
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
extern const Kernels kernels_avx512_vnni;

} // namespace fp4
