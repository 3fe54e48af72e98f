#include <algorithm>

#include "cuda/device/last_block.h"
#include "cuda/device/matvec_tile.h"

namespace fp4::cuda {
namespace {

// Output `index` of the block: [row_warps][groups][16 rows][tokens]
template <bool nv, class Columns>
__device__ void finish(const MatvecView& view, const MatvecTarget& target, uint32_t first_tile,
                       uint32_t index, float factor, float sum) {
    const uint32_t tile = index / (Columns::groups * Columns::outputs),
                   group = index / Columns::outputs % Columns::groups;
    const uint32_t row = (first_tile + tile) * tile_rows + index % Columns::outputs / Columns::tokens;
    const uint32_t token = group * Columns::tokens + index % Columns::tokens;
    if (row >= target.weight.rows || token >= view.n) return;
    sum *= product_scale<nv>(target.weight) * factor;
    if (target.output.bias) sum += target.output.bias[row];
    float& out = target.output.out[size_t(token) * target.weight.rows + row];
    out = target.output.accumulate ? out + sum : sum;
}

template <bool nv, class Columns, bool staged>
__global__ __launch_bounds__(matvec_warps * 32, 2) void matvec(const __grid_constant__ MatvecView view) {
    __shared__ float partial[matvec_warps * Columns::groups * Columns::outputs];
    __shared__ InputNorm norm;
    const uint32_t warp = threadIdx.x / 32, k_warps = view.plan.k_warps;
    const uint32_t k_warp = warp % k_warps, row_warp = warp / k_warps;
    uint32_t index = 0;
    while (index + 1 < view.target_count && blockIdx.x >= view.first_group[index + 1]) ++index;
    const MatvecTarget& target = view.targets[index];
    const uint32_t first_tile = (blockIdx.x - view.first_group[index]) * view.plan.row_warps;

    Sums<Columns> sums = {};
    multiply_tile<nv, Columns, staged>(view, target.weight, first_tile + row_warp, k_warp, sums, [&] {
        if (warp == 0) fetch_norm(view.input, norm);
    });
    store_partial<Columns>(view, k_warp, row_warp, sums, partial);
    wait_for_copies<0>();
    __syncthreads();
    const float factor = norm_factor(view.input, norm);
    const uint32_t outputs = view.plan.row_warps * Columns::groups * Columns::outputs;
    float* shared_sums = view.scratch.sums + size_t(blockIdx.x) * view.plan.splits * outputs;
    for (uint32_t i = threadIdx.x; i < outputs; i += blockDim.x) {
        float sum = 0.0f;
        for (uint32_t w = 0; w < k_warps; ++w) sum += partial[w * outputs + i];
        if (view.plan.splits == 1)
            finish<nv, Columns>(view, target, first_tile, i, factor, sum);
        else
            __stcg(shared_sums + blockIdx.y * outputs + i, sum);
    }
    if (view.plan.splits == 1) return;
    if (!is_last_block(view.scratch.counters[blockIdx.x], view.plan.splits)) return;
    for (uint32_t i = threadIdx.x; i < outputs; i += blockDim.x) {
        float sum = 0.0f;
        for (uint32_t split = 0; split < view.plan.splits; ++split)
            sum += __ldcg(shared_sums + split * outputs + i);
        finish<nv, Columns>(view, target, first_tile, i, factor, sum);
    }
}

template <bool nv>
auto choose(uint32_t n, bool staged) {
    return n > 8             ? matvec<nv, SixteenTokens, false>
           : n > part_tokens ? matvec<nv, EightTokens, false>
           : staged          ? matvec<nv, FourTokens, true>
                             : matvec<nv, FourTokens, false>;
}

uint32_t row_tiles(const WeightView& weight) {
    return (weight.rows + tile_rows - 1) / tile_rows;
}

} // namespace

// Found by measuring: a few chunks for each warp, and warps enough to fill the device.
MatvecPlan plan_matvec(uint32_t row_tiles, uint32_t cols, int processors) {
    const uint32_t chunks = (cols + chunk_columns - 1) / chunk_columns;
    const auto wanted = static_cast<uint32_t>(processors) * 11; // warps
    MatvecPlan plan;
    if (row_tiles >= wanted) { // many rows: a warp takes all columns of its own
        plan.k_warps = 1;
        plan.row_warps = 2;
        return plan;
    }
    plan.k_warps = std::min(chunks, 2u);
    while (plan.k_warps < matvec_warps && 2 * plan.k_warps <= chunks && row_tiles * plan.k_warps < wanted)
        plan.k_warps *= 2;
    plan.splits = std::clamp(wanted / (2 * row_tiles * plan.k_warps), 1u, chunks / plan.k_warps);
    return plan;
}

uint32_t matvec_groups(MatvecView& view) {
    uint32_t groups = 0;
    for (uint32_t i = 0; i < view.target_count; ++i) {
        view.first_group[i] = groups;
        groups += (row_tiles(view.targets[i].weight) + view.plan.row_warps - 1) / view.plan.row_warps;
    }
    return groups;
}

cudaError_t launch_matvec(const MatvecView& view, uint32_t groups, cudaStream_t stream) {
    // Warps that share columns with others of their block find their inputs in the first-level cache.
    const bool staged = view.n == 1 && view.plan.k_warps > 1;
    const auto kernel = view.targets[0].weight.format == WeightFormat::nvfp4 ? choose<true>(view.n, staged)
                                                                             : choose<false>(view.n, staged);
    const dim3 grid(groups, view.plan.splits);
    const uint32_t warps = view.plan.k_warps * view.plan.row_warps;
    return launch(kernel, grid, warps * 32, staged ? stage_bytes(warps) : 0, stream, view);
}

} // namespace fp4::cuda
