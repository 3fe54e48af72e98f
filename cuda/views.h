// Arguments of operations as kernels take them.
#pragma once

#include "cuda/cuda_objects.h"
#include "cuda/kernels/linear_plain.h"
#include "cuda/kernels/norm.h"

namespace fp4::cuda {

inline uint32_t u32(size_t value) {
    return static_cast<uint32_t>(value);
}

inline const CudaBuffer& device(const Buffer& buffer) {
    return static_cast<const CudaBuffer&>(buffer);
}
inline const CudaWeight& device(const Weight& weight) {
    return static_cast<const CudaWeight&>(weight);
}
inline const CudaActivation& device(const Activation& activation) {
    return static_cast<const CudaActivation&>(activation);
}

// An activation that an operation is about to write.
inline const CudaActivation& written(Activation& out, ActivationFormat format, RowNorm norm = {}) {
    auto& activation = static_cast<CudaActivation&>(out);
    activation.set_content(format, norm);
    return activation;
}

inline NormView view(const NormParams& norm) {
    return {device(*norm.weight).f32(), norm.epsilon};
}

inline RoundingView rounding_view(const Transform* transform, ActivationFormat format) {
    RoundingView rounding;
    if (transform) rounding.transform = static_cast<const CudaTransform*>(transform)->view();
    rounding.kind = format.kind;
    rounding.rule = activation_rule(format);
    rounding.tensor_scale = scales_by_token(format) ? 0.0f : activation_tensor_scale(format, 1.0f);
    return rounding;
}

inline LinearOutput output_view(const LinearTarget& target) {
    return {target.bias ? device(*target.bias).f32() : nullptr, device(*target.out).floats(),
            target.accumulate};
}

} // namespace fp4::cuda
