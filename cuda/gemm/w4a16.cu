#include "cuda/gemm/gemm.h"
#include "cuda/gemm/hopper_launch.h"
#include "cuda/gemm/launch.h"
#include "cuda/gemm/w4a16_mma_kernel.h"
#include "cuda/gemm/w4a16_plan.h"

namespace fp4::cuda {
namespace {

static_assert(sizeof(W4Row) == w4_row_bytes);

template <BlockFormat format>
__global__ void __launch_bounds__(W4A16MmaShape::threads, 1)
    w4a16_mma(const __grid_constant__ W4A16Arguments arguments) {
    begin();
    w4a16_mma_block<format>(arguments);
}

struct SplitSums {
    W4A16Weights weights; // out: of the product
    const float* x_scale; // [m] or null
    const float* sums;    // [splits][m][n]
    int splits;
};

__global__ void add_splits(SplitSums s) {
    begin();
    const W4A16Weights& w = s.weights;
    const int row = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x),
              token = static_cast<int>(blockIdx.y);
    if (row >= w.n) return;
    const size_t count = static_cast<size_t>(gridDim.y) * w.n;
    float sum = 0.0f;
    for (int i = 0; i < s.splits; ++i) sum += s.sums[i * count + static_cast<size_t>(token) * w.n + row];
    float* place = w.out + static_cast<size_t>(token) * w.n + row;
    const float value =
        sum * w.rows[row].factor * (s.x_scale ? s.x_scale[token] : 1.0f) + (w.bias ? w.bias[row] : 0.0f);
    *place = w.accumulate ? *place + value : value;
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
    begin();
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
    int major = 0, processors = 1;
};

// Of the first device, which is the one in use.
const Device& device() {
    static const Device found = [] {
        Device device;
        cudaDeviceGetAttribute(&device.major, cudaDevAttrComputeCapabilityMajor, 0);
        cudaDeviceGetAttribute(&device.processors, cudaDevAttrMultiProcessorCount, 0);
        return device;
    }();
    return found;
}

size_t all_rows(const GemmW4A16& gemm) {
    size_t rows = 0;
    for (size_t i = 0; i < gemm.weight_count; ++i) rows += round_up(gemm.weights[i].n, 128);
    return rows;
}

W4A16Kernel kernel_of(const GemmW4A16& gemm) {
    if (gemm.element == PanelElement::e4m3) return W4A16Kernel::hopper_e4m3;
    return device().major == 9 ? W4A16Kernel::hopper : W4A16Kernel::mma;
}

W4A16Plan plan(const GemmW4A16& gemm, W4A16Kernel kernel, size_t workspace_bytes) {
    return plan_w4a16(gemm.m, all_rows(gemm), gemm.k, device().processors, kernel, workspace_bytes);
}

cudaError_t start(const GemmW4A16& gemm, W4A16Kernel kernel, cudaStream_t stream) {
    const W4A16Plan cut = plan(gemm, kernel, gemm.workspace ? gemm.workspace_bytes : 0);
    W4A16Arguments arguments;
    arguments.x = gemm.x;
    arguments.panel_rows = gemm.panel_rows;
    arguments.m = static_cast<int>(gemm.m);
    arguments.k = static_cast<int>(gemm.k);
    arguments.split_panels = cut.split_panels;
    arguments.sums_only = cut.splits > 1;
    arguments.weight_count = static_cast<int>(gemm.weight_count);
    if (!arguments.sums_only) arguments.x_scale = gemm.x_scale;
    unsigned row_blocks = 0;
    float* sums = gemm.workspace;
    for (size_t i = 0; i < gemm.weight_count; ++i) {
        const GemmW4A16::Weights& weights = gemm.weights[i];
        const GemmOutput& output = weights.output;
        arguments.weights[i] = {weights.w.codes,   weights.w.scales,
                                weights.rows,      output.bias,
                                output.out,        static_cast<int>(weights.n),
                                output.accumulate, static_cast<int>(row_blocks)};
        row_blocks += blocks(weights.n, 128);
        if (!arguments.sums_only) continue;
        arguments.weights[i].out = sums;
        arguments.weights[i].accumulate = false;
        sums += cut.splits * gemm.m * weights.n;
    }
    cudaError_t error;
    if (kernel == W4A16Kernel::hopper_e4m3) {
        error = launch_w4a8_hopper(arguments, row_blocks, cut.tokens, cut.splits, stream);
    } else if (kernel == W4A16Kernel::hopper) {
        error = launch_w4a16_hopper(gemm.format, arguments, row_blocks, cut.tokens, cut.splits, stream);
    } else {
        const dim3 grid(blocks(gemm.m, 128), row_blocks, static_cast<unsigned>(cut.splits));
        auto* mma =
            gemm.format == BlockFormat::nvfp4 ? w4a16_mma<BlockFormat::nvfp4> : w4a16_mma<BlockFormat::mxfp4>;
        error =
            launch_kernel(mma, grid, W4A16MmaShape::threads, W4A16MmaShape::shared_bytes, stream, arguments);
    }
    for (int i = 0; arguments.sums_only && error == cudaSuccess && i < arguments.weight_count; ++i) {
        SplitSums added{arguments.weights[i], gemm.x_scale, arguments.weights[i].out, cut.splits};
        added.weights.out = gemm.weights[i].output.out;
        added.weights.accumulate = gemm.weights[i].output.accumulate;
        const dim3 grid(blocks(gemm.weights[i].n, 256), static_cast<unsigned>(gemm.m));
        error = launch_kernel(add_splits, grid, 256, 0, stream, added);
    }
    return error;
}

} // namespace

cudaError_t gemm_w4a16(const GemmW4A16& gemm, cudaStream_t stream) {
    return start(gemm, kernel_of(gemm), stream);
}

cudaError_t gemm_w4a16_mma(const GemmW4A16& gemm, cudaStream_t stream) {
    return start(gemm, W4A16Kernel::mma, stream);
}

size_t gemm_w4a16_workspace(const GemmW4A16& gemm) {
    constexpr size_t most = size_t(32) << 20;
    const int splits = plan(gemm, kernel_of(gemm), most).splits;
    return splits > 1 ? static_cast<size_t>(splits) * gemm.m * all_rows(gemm) * sizeof(float) : 0;
}

cudaError_t prepare_w4a16(BlockFormat format, const uint8_t* scales, size_t n, size_t k, float tensor_scale,
                          W4Row* rows, cudaStream_t stream) {
    const PrepareArguments arguments{
        format, scales, static_cast<int>(n), static_cast<int>((k + 255) / 256), tensor_scale, rows};
    return launch_kernel(prepare_rows, dim3(blocks(n, 16)), 32, 0, stream, arguments);
}

} // namespace fp4::cuda
