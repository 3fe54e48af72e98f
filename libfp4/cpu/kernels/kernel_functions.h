// Declarations of one level's kernels, as its table (table.cpp) lists them.
#pragma once

#include "libfp4/cpu/kernels/level.h"

namespace fp4::FP4_CPU_LEVEL {

void dequantize(const WeightRows& row, float* out);
void matmul_f32(const float* x, size_t stride_x, size_t n, const float* w, size_t stride_w, size_t rows,
                size_t k, const LinearOut& out);
void matvec_integer(const WeightRows& w, size_t rows, const IntegerInput& x, size_t n, const LinearOut& out);
void matmul_integer(const WeightRows& w, size_t rows, const IntegerInput& x, size_t n, const LinearOut& out,
                    uint8_t* scratch);
void matvec_w4_float(const WeightRows& w, size_t rows, const float* x, size_t padded, size_t n,
                     const LinearOut& out);
void arrange_lanes(const float* x, size_t padded, float* out);
void round_integer(ActivationFormat format, const float* x, size_t cols, const IntegerOutput& out);
void rms_norm(const float* x, const float* weight, float epsilon, size_t cols, float* out);
void add(const float* y, size_t count, float* x);
void scale(float factor, size_t count, float* x);
void glu(GluKind kind, const float* gate, const float* up, size_t count, float* out);
void channel_scale(const float* scale, size_t count, float* x);
void hadamard(float* x, size_t cols, size_t block);
void block_matrix(const float* matrix, size_t stride, float* x, size_t cols, size_t block);
void rotate(float* head, const float* cosine, const float* sine, size_t dim, bool interleaved);
void to_f16(const float* x, size_t count, uint16_t* out);
void attend(const AttentionBlock& block, const AttentionState& state, float* scratch);
void merge(float* into, float& largest, float& total, const float* from, float from_largest, float from_total,
           size_t dim);

} // namespace fp4::FP4_CPU_LEVEL
