// Block scales chosen by their error (rules mse and four_over_six): scale_search.cpp of libfp4/format with
// the values of a block spread over lanes, the same candidates in the same order and the same order of
// additions, so that both choose alike. Products and sums are rounded separately.
#pragma once

#include "cuda/device/rounding.h"
#include "cuda/device/warp.h"

namespace fp4::cuda {

// Of one block, four values a lane, on `lanes` neighbouring lanes. All lanes of the warp take part in every
// call.
class ScaleSearch {
  public:
    __device__ ScaleSearch(BlockFormat format, float tensor_scale, const float (&v)[4], uint32_t lanes)
        : format_(format), tensor_scale_(tensor_scale), v_(v), lanes_(lanes) {}

    // Keeps the candidate with the smallest error; an equal one later changes nothing.
    __device__ void consider(bool active, uint32_t code) {
        active = active && code != reference_code_;
        const float scale = decode_scale(format_, code);
        if (active && reference_scale_ == 0) {
            reference_code_ = best_code_ = code;
            reference_scale_ = scale;
        }
        const float ratio = scale / reference_scale_;
        const float error =
            __fmul_rn(element_error(inverse_scale(scale, tensor_scale_)), __fmul_rn(ratio, ratio));
        if (active && error < best_error_) {
            best_error_ = error;
            best_code_ = code;
        }
    }
    __device__ uint32_t best() const { return best_code_; }

  private:
    // Sum of (rounding error in element units)^2, over eight partial sums by column.
    __device__ float element_error(float inverse) const {
        const SmallFloat element = block_element(format_).magnitude;
        const float largest = max_value(element);
        const uint32_t lane = threadIdx.x % 32, first = lane & ~(lanes_ - 1), odd = lane & 1;
        float sums[4] = {};
#pragma unroll
        for (int e = 0; e < 4; ++e) {
            const float value = __fmul_rn(v_[e], inverse);
            const float error = __fsub_rn(fabsf(value), nearest_magnitude(element, largest, value));
            const float square = __fmul_rn(error, error);
            for (uint32_t i = 0; i < lanes_; i += 2)
                sums[e] = __fadd_rn(sums[e], __shfl_sync(all_lanes, square, first + i + odd));
        }
        const float half = __fadd_rn(__fadd_rn(sums[0], sums[1]), __fadd_rn(sums[2], sums[3]));
        return __fadd_rn(half, __shfl_xor_sync(all_lanes, half, 1));
    }

    BlockFormat format_;
    float tensor_scale_;
    const float (&v_)[4];
    uint32_t lanes_;
    uint32_t reference_code_ = ~0u;
    float reference_scale_ = 0;
    uint32_t best_code_ = zero_scale_code;
    float best_error_ = INFINITY;
};

__device__ inline void search_mx(ScaleSearch& search, BlockFormat format, float largest) {
    const int exponent = mx_scale_exponent(format, ScaleRule::mse, largest);
    for (int i = 0; i < 3; ++i) {
        const int candidate = exponent + (i < 2 ? i : -1);
        const bool possible = candidate >= min_scale_exponent && candidate <= max_scale_exponent(format);
        search.consider(possible, mx_scale_code(candidate));
    }
}

__device__ inline void search_nvfp4(ScaleSearch& search, ScaleRule rule, float largest, float tensor_scale) {
    const uint32_t six = nvfp4_scale_code(largest, 1.0f, tensor_scale);
    search.consider(six != zero_scale_code, six);
    if (rule == ScaleRule::four_over_six) {
        const uint32_t four = nvfp4_scale_code(largest, 1.5f, tensor_scale);
        search.consider(four != zero_scale_code, four);
        return;
    }
    const uint32_t last = nvfp4_scale_code(largest, 1.8f, tensor_scale);
    uint32_t code = max(static_cast<uint32_t>(nvfp4_scale_code(largest, 0.5f, tensor_scale)), 1u);
    for (; __any_sync(all_lanes, code <= last); ++code) search.consider(code <= last, min(code, last));
}

// amax: bits of the block's largest magnitude.
__device__ inline uint8_t searched_scale_code(BlockFormat format, ScaleRule rule, float tensor_scale,
                                              uint32_t amax, const float (&v)[4], uint32_t lanes) {
    ScaleSearch search(format, tensor_scale, v, lanes);
    const bool nv = format == BlockFormat::nvfp4;
    // Blocks without a largest magnitude take part with 1, and ignore what is found.
    const bool usable = amax != 0 && amax < f32_infinity_bits;
    const float largest = usable ? __uint_as_float(amax) : 1.0f;
    if (nv)
        search_nvfp4(search, rule, largest, tensor_scale);
    else
        search_mx(search, format, largest / tensor_scale);
    return usable      ? static_cast<uint8_t>(search.best())
           : amax == 0 ? zero_scale_code
                       : nan_scale_code(format);
}

} // namespace fp4::cuda
