#include "cuda/device/launch.h"
#include "cuda/device/plain_row.h"
#include "cuda/device/warp.h"
#include "cuda/kernels/linear_plain.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t warps = 4;  // rows of a block, one a warp
constexpr uint32_t tokens = 8; // of a block

// Four neighbouring elements without the tensor scale. column is a multiple of 4, so that the blocks' scale
// and a group of 6-bit codes are shared.
template <WeightFormat format>
__device__ void load_four(const WeightView& weight, size_t row, uint32_t column, float (&w)[4]) {
    const uint8_t* bytes = weight.codes + row * weight.row_bytes;
    if constexpr (format == WeightFormat::f32) {
        const float4 values = reinterpret_cast<const float4*>(bytes)[column / 4];
        w[0] = values.x, w[1] = values.y, w[2] = values.z, w[3] = values.w;
    } else if constexpr (format == WeightFormat::f16) {
        const uint2 words = reinterpret_cast<const uint2*>(bytes)[column / 4];
        const float2 low = __half22float2(reinterpret_cast<const __half2&>(words.x));
        const float2 high = __half22float2(reinterpret_cast<const __half2&>(words.y));
        w[0] = low.x, w[1] = low.y, w[2] = high.x, w[3] = high.y;
    } else if constexpr (format == WeightFormat::bf16) {
        const uint2 words = reinterpret_cast<const uint2*>(bytes)[column / 4];
        w[0] = __uint_as_float(words.x << 16), w[1] = __uint_as_float(words.x & 0xFFFF0000u);
        w[2] = __uint_as_float(words.y << 16), w[3] = __uint_as_float(words.y & 0xFFFF0000u);
    } else {
        constexpr BlockFormat block = to_block(format);
        const uint32_t scale_index = block == BlockFormat::nvfp4 ? column / 16 : column / 32;
        const float scale = decode_scale(block, weight.scales[row * weight.row_scales + scale_index]);
        for (uint32_t e = 0; e < 4; ++e)
            w[e] = decode_element(block, plain_code(block, bytes, column + e)) * scale;
    }
}

template <WeightFormat format>
__global__ __launch_bounds__(warps * 32) void linear_rows(ActivationView input, uint32_t n, WeightView weight,
                                                          LinearOutput output) {
    begin();
    const uint32_t row = blockIdx.x * warps + threadIdx.x / 32, lane = threadIdx.x % 32;
    const uint32_t first = blockIdx.y * tokens, count = min(tokens, n - first), pitch = input.pitch();
    if (row >= weight.rows) return;
    const float* x = input.values + size_t(first) * pitch;
    float sums[tokens] = {};
    for (uint32_t column = lane * 4; column < pitch; column += run_columns) {
        float w[4];
        load_four<format>(weight, row, column, w);
#pragma unroll
        for (uint32_t t = 0; t < tokens; ++t) {
            if (t >= count) break;
            const float4 v = *reinterpret_cast<const float4*>(x + size_t(t) * pitch + column);
            sums[t] += w[0] * v.x + w[1] * v.y + (w[2] * v.z + w[3] * v.w);
        }
    }
#pragma unroll
    for (uint32_t t = 0; t < tokens; ++t) {
        if (t >= count) break;
        float sum = warp_sum(sums[t]) * weight.tensor_scale;
        if (lane != 0) continue;
        if (output.bias) sum += output.bias[row];
        float& out = output.out[size_t(first + t) * weight.rows + row];
        out = output.accumulate ? out + sum : sum;
    }
}

template <WeightFormat format>
cudaError_t launch_format(const ActivationView& input, size_t n, const WeightView& weight,
                          const LinearOutput& output, cudaStream_t stream) {
    const dim3 grid((weight.rows + warps - 1) / warps, static_cast<uint32_t>((n + tokens - 1) / tokens));
    return launch(linear_rows<format>, grid, warps * 32, 0, stream, input, static_cast<uint32_t>(n), weight,
                  output);
}

} // namespace

cudaError_t launch_linear_plain(const ActivationView& input, size_t n, const WeightView& weight,
                                const LinearOutput& output, cudaStream_t stream) {
    switch (weight.format) {
        case WeightFormat::f32:
            return launch_format<WeightFormat::f32>(input, n, weight, output, stream);
        case WeightFormat::f16:
            return launch_format<WeightFormat::f16>(input, n, weight, output, stream);
        case WeightFormat::bf16:
            return launch_format<WeightFormat::bf16>(input, n, weight, output, stream);
        case WeightFormat::mxfp4:
            return launch_format<WeightFormat::mxfp4>(input, n, weight, output, stream);
        case WeightFormat::nvfp4:
            return launch_format<WeightFormat::nvfp4>(input, n, weight, output, stream);
        case WeightFormat::mxfp8_e4m3:
            return launch_format<WeightFormat::mxfp8_e4m3>(input, n, weight, output, stream);
        case WeightFormat::mxfp8_e5m2:
            return launch_format<WeightFormat::mxfp8_e5m2>(input, n, weight, output, stream);
        case WeightFormat::mxfp6_e2m3:
            return launch_format<WeightFormat::mxfp6_e2m3>(input, n, weight, output, stream);
        case WeightFormat::mxfp6_e3m2:
            return launch_format<WeightFormat::mxfp6_e3m2>(input, n, weight, output, stream);
        case WeightFormat::mxint8:
            break;
    }
    return launch_format<WeightFormat::mxint8>(input, n, weight, output, stream);
}

} // namespace fp4::cuda
