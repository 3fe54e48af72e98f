#include "cuda/gemm/gemm.h"
#include "cuda/gemm/launch.h"
#include "cuda/gemm/w4a16_hopper.h"
#include "cuda/gemm/w4a16_mma_kernel.h"
#include "cuda/gemm/w4a16_plan.h"

namespace fp4::cuda {
namespace {

static_assert(sizeof(W4Row) == w4_row_bytes);

template <BlockFormat format>
__global__ void __launch_bounds__(W4A16MmaShape::threads, 1) w4a16_mma(W4A16Arguments arguments) {
    w4a16_mma_block<format>(arguments);
}

struct SplitSums {
    W4A16Arguments arguments; // out: of the product
    const float* sums;        // [splits][m][n]
    int splits;
};

__global__ void add_splits(SplitSums s) {
    const W4A16Arguments& p = s.arguments;
    const int row = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x),
              token = static_cast<int>(blockIdx.y);
    if (row >= p.n) return;
    const size_t count = static_cast<size_t>(p.m) * p.n;
    float sum = 0.0f;
    for (int i = 0; i < s.splits; ++i) sum += s.sums[i * count + static_cast<size_t>(token) * p.n + row];
    float* place = p.out + static_cast<size_t>(token) * p.n + row;
    const float value =
        sum * p.w_rows[row].factor * (p.x_scale ? p.x_scale[token] : 1.0f) + (p.bias ? p.bias[row] : 0.0f);
    *place = p.accumulate ? *place + value : value;
}

// A warp looks at 16 rows: lane 4 g + t at every fourth chunk of rows g and g + 8.
struct PrepareArguments {
    BlockFormat format;
    const uint8_t* scales;
    int n, chunks;
    float tensor_scale;
    W4Row* rows;
};

__global__ void prepare_rows(PrepareArguments p) {
    const int lane = static_cast<int>(threadIdx.x), g = lane >> 2, row_tile = static_cast<int>(blockIdx.x);
    const int lane_bytes = p.format == BlockFormat::nvfp4 ? 32 : 16;
    int largest[2] = {0, 0};
    bool nan[2] = {false, false};
    for (int chunk = lane & 3; chunk < p.chunks; chunk += 4) {
        const uint8_t* scales =
            p.scales + (static_cast<size_t>(row_tile) * p.chunks + chunk) * 8 * lane_bytes + g * lane_bytes;
        for (int i = 0; i < lane_bytes; ++i) {
            const int code = scales[i];
            if (p.format == BlockFormat::nvfp4 ? (code & 0x7F) == 0x7F : code == 0xFF)
                nan[i & 1] = true;
            else
                largest[i & 1] = max(largest[i & 1], code);
        }
    }
    for (int upper = 0; upper < 2; ++upper) {
        int top = largest[upper], bad = nan[upper];
        for (int step = 1; step < 4; step *= 2) {
            top = max(top, __shfl_xor_sync(0xFFFFFFFFu, top, step));
            bad |= __shfl_xor_sync(0xFFFFFFFFu, bad, step);
        }
        const int row = row_tile * 16 + 8 * upper + g;
        if ((lane & 3) != 0 || row >= p.n) continue;
        const bool nv = p.format == BlockFormat::nvfp4;
        const float unit = nv ? nvfp4_row_unit : ldexpf(1.0f, top - 127 + mxfp4_row_unit_exponent);
        p.rows[row] = {bad ? __uint_as_float(0x7FC00000u) : unit * p.tensor_scale,
                       nv ? 0 : mxfp4_top_exponent - top};
    }
}

struct Device {
    int major = 0, processors = 0;
};

cudaError_t current_device(Device& device) {
    int ordinal = 0;
    cudaError_t error = cudaGetDevice(&ordinal);
    if (error == cudaSuccess)
        error = cudaDeviceGetAttribute(&device.major, cudaDevAttrComputeCapabilityMajor, ordinal);
    if (error == cudaSuccess)
        error = cudaDeviceGetAttribute(&device.processors, cudaDevAttrMultiProcessorCount, ordinal);
    return error;
}

cudaError_t launch(const GemmW4A16& gemm, bool hopper, int processors, cudaStream_t stream) {
    const W4A16Plan plan =
        plan_w4a16(gemm.m, gemm.n, gemm.k, processors, hopper, gemm.workspace ? gemm.workspace_bytes : 0);
    const bool split = plan.splits > 1;
    W4A16Arguments arguments{gemm.x,
                             gemm.panel_rows,
                             split ? nullptr : gemm.x_scale,
                             gemm.w.codes,
                             gemm.w.scales,
                             gemm.w_rows,
                             gemm.output.bias,
                             split ? gemm.workspace : gemm.output.out,
                             static_cast<int>(gemm.m),
                             static_cast<int>(gemm.n),
                             static_cast<int>(gemm.k),
                             plan.split_panels,
                             gemm.output.accumulate && !split,
                             split};
    cudaError_t error;
    if (hopper) {
        error = launch_w4a16_hopper(gemm.format, arguments, plan.tokens, plan.splits, stream);
    } else {
        const dim3 grid(blocks(gemm.m, 128), blocks(gemm.n, 128), static_cast<unsigned>(plan.splits));
        auto* kernel =
            gemm.format == BlockFormat::nvfp4 ? w4a16_mma<BlockFormat::nvfp4> : w4a16_mma<BlockFormat::mxfp4>;
        error = launch_kernel(kernel, grid, W4A16MmaShape::threads, W4A16MmaShape::shared_bytes, stream,
                              arguments);
    }
    if (error != cudaSuccess || !split) return error;
    arguments.x_scale = gemm.x_scale;
    arguments.out = gemm.output.out;
    arguments.accumulate = gemm.output.accumulate;
    arguments.sums_only = false;
    const dim3 grid(blocks(gemm.n, 256), static_cast<unsigned>(gemm.m));
    return launch_kernel(add_splits, grid, 256, 0, stream, SplitSums{arguments, gemm.workspace, plan.splits});
}

} // namespace

cudaError_t gemm_w4a16(const GemmW4A16& gemm, cudaStream_t stream) {
    Device device;
    const cudaError_t error = current_device(device);
    return error == cudaSuccess ? launch(gemm, device.major == 9, device.processors, stream) : error;
}

cudaError_t gemm_w4a16_mma(const GemmW4A16& gemm, cudaStream_t stream) {
    Device device;
    const cudaError_t error = current_device(device);
    return error == cudaSuccess ? launch(gemm, false, device.processors, stream) : error;
}

cudaError_t prepare_w4a16(BlockFormat format, const uint8_t* scales, size_t n, size_t k, float tensor_scale,
                          W4Row* rows, cudaStream_t stream) {
    const PrepareArguments arguments{
        format, scales, static_cast<int>(n), static_cast<int>((k + 255) / 256), tensor_scale, rows};
    return launch_kernel(prepare_rows, dim3(blocks(n, 16)), 32, 0, stream, arguments);
}

} // namespace fp4::cuda
