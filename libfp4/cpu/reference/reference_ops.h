// The reference operations on rows of float32.
#pragma once

#include "libfp4/cpu/reference/reference_activation.h"

namespace fp4::reference {

// values = (values * channel_scale) M, block by block.
void transform_row(const HostTransform& transform, std::span<float> values);

// out = x / sqrt(mean(x^2) + epsilon) * weight
void rms_norm(const float* x, const HostNorm& norm, float* out);

void embed(const HostMatrix& table, int32_t id, float scale, float* out);

// x W^T for token `row` of the input and output channel `channel`, before bias.
double linear(const ReferenceActivation& input, size_t row, const HostMatrix& weight, size_t channel);

void rope_append(const HostRope& rope, float* q, const float* k, const float* v, KvRows keys, KvRows values);

// Token `i` of the call: out [heads * head_dim].
void attention(const HostAttention& attention, size_t i, const float* q, KvRows keys, KvRows values,
               float* out);

float glu(GluKind kind, float gate, float up);

} // namespace fp4::reference
