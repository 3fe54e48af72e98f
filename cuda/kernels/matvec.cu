#include <algorithm>

#include "cuda/device/input_norm.h"
#include "cuda/device/last_block.h"
#include "cuda/device/matvec_tile.h"

namespace fp4::cuda {
namespace {

// All warps of a block share the columns of one tile of rows.
constexpr MatvecPlan whole_block_plan{.k_warps = matvec_warps, .row_warps = 1, .splits = 1, .room = 3};

// Output `index` of the block: [row_warps][groups][16 rows][tokens]
template <class Columns>
__device__ void finish(const MatvecView& view, const MatvecTarget& target, uint32_t first_tile,
                       uint32_t index, float sum) {
    const uint32_t tile = index / (Columns::groups * Columns::outputs),
                   group = index / Columns::outputs % Columns::groups;
    const uint32_t row = (first_tile + tile) * tile_rows + index % Columns::outputs / Columns::tokens;
    const uint32_t token = group * Columns::tokens + index % Columns::tokens;
    if (row >= target.weight.rows || token >= view.n) return;
    if (target.output.bias) sum += target.output.bias[row];
    float& out = target.output.out[size_t(token) * target.weight.rows + row];
    out = target.output.accumulate ? out + sum : sum;
}

template <bool nv, class Columns>
__global__ __launch_bounds__(Columns::warps * 32,
                             Columns::blocks) void matvec(const __grid_constant__ MatvecView view) {
    __shared__ float partial[Columns::warps * Columns::groups * Columns::outputs];
    __shared__ InputNorm norm;
    __shared__ float shared_factor;
    const MatvecPlan plan = Columns::whole_block ? whole_block_plan : view.plan;
    const auto [row_warp, k_warp] = warp_place(plan);
    const BlockTarget own = block_target(view);
    const uint32_t first_tile = (blockIdx.x - own.first_group) * plan.row_warps;
    const bool first_warp = threadIdx.x < 32;

    Sums<Columns> sums = {};
    multiply_tile<nv, Columns>(view, plan, own.weight, first_tile + row_warp, k_warp, sums, [&] {
        if (first_warp) fetch_norm(view.input, norm);
    });
    store_partial<Columns>(plan, k_warp, row_warp, sums, partial);
    if (first_warp) {
        wait_for_all_copies();
        __syncwarp();
        shared_factor = norm_factor(view.input, norm);
    }
    __syncthreads();
    const MatvecTarget& target = view.targets[own.index];
    const float factor = shared_factor * product_scale<nv>(target.weight);
    const uint32_t outputs = plan.row_warps * Columns::groups * Columns::outputs;
    const uint32_t threads = Columns::whole_block ? matvec_warps * 32 : blockDim.x;
    float* shared_sums = view.scratch.sums + size_t(blockIdx.x) * plan.splits * outputs;
#pragma unroll 1
    for (uint32_t i = threadIdx.x; i < outputs; i += threads) {
        const float sum = add_warps(partial + i, plan.k_warps, outputs);
        if (plan.splits == 1)
            finish<Columns>(view, target, first_tile, i, sum * factor);
        else
            __stcg(shared_sums + blockIdx.y * outputs + i, sum);
    }
    if (plan.splits == 1 || !is_last_block(view.scratch.counters[blockIdx.x], plan.splits)) return;
#pragma unroll 1
    for (uint32_t i = threadIdx.x; i < outputs; i += threads) {
        float sum = 0.0f;
        for (uint32_t split = 0; split < plan.splits; ++split)
            sum += __ldcg(shared_sums + split * outputs + i);
        finish<Columns>(view, target, first_tile, i, sum * factor);
    }
}

uint32_t row_tiles(const WeightView& weight) {
    return (weight.rows + tile_rows - 1) / tile_rows;
}

template <bool nv>
cudaError_t launch_format(const MatvecView& view, uint32_t groups, cudaStream_t stream) {
    const dim3 grid(groups, view.plan.splits);
    const uint32_t warps = view.plan.k_warps * view.plan.row_warps;
    auto launch_columns = [&](auto kernel, size_t shared) {
        return launch(kernel, grid, warps * 32, shared, stream, view);
    };
    if (view.n > 8) return launch_columns(matvec<nv, SixteenTokens>, 0);
    if (view.n > part_tokens)
        return launch_columns(view.plan.room == 3 ? matvec<nv, RoomyEightTokens> : matvec<nv, EightTokens>,
                              0);
    if (view.n > 1) return launch_columns(matvec<nv, FourTokens>, 0);
    if (view.plan.room == 3)
        return launch_columns(matvec<nv, OneShortToken>, stage_bytes<OneShortToken>(warps));
    return launch_columns(matvec<nv, OneToken>, stage_bytes<OneToken>(warps));
}

} // namespace

// Found by measuring: a few chunks for each warp, and warps enough to fill the device.
MatvecPlan plan_matvec(uint32_t row_tiles, uint32_t cols, uint32_t tokens, int processors) {
    const uint32_t chunks = (cols + chunk_columns - 1) / chunk_columns;
    const auto device = static_cast<uint32_t>(processors);
    const uint32_t wanted = tokens == 1 ? device * 12 + 1 : device * 11; // warps
    MatvecPlan plan;
    if (row_tiles >= wanted) { // many rows: a warp takes all columns of its own
        plan.k_warps = 1;
        plan.row_warps = 2;
        // Several times as many as run at a time: the shorter they run, the less is left over at the end.
        if (tokens == 1 && row_tiles >= 4 * wanted && chunks >= 4) plan.k_warps = 4, plan.row_warps = 1;
        return plan;
    }
    plan.k_warps = std::min(chunks, 2u);
    while (plan.k_warps < matvec_warps && 2 * plan.k_warps <= chunks && row_tiles * plan.k_warps < wanted)
        plan.k_warps *= 2;
    const uint32_t blocks = (row_tiles + device - 1) / device; // of a multiprocessor
    if (tokens == 1 && blocks == 3 && plan.k_warps == matvec_warps && chunks <= short_chunks * matvec_warps)
        return whole_block_plan;
    plan.splits = std::clamp(wanted / (2 * row_tiles * plan.k_warps), 1u, chunks / plan.k_warps);
    if (tokens > 1 && plan.k_warps == RoomyEightTokens::warps &&
        plan.splits * blocks <= RoomyEightTokens::blocks)
        plan.room = RoomyEightTokens::blocks;
    return plan;
}

uint32_t matvec_groups(MatvecView& view) {
    uint32_t groups = 0;
    std::ranges::fill(view.first_group, UINT32_MAX);
    for (uint32_t i = 0; i < view.target_count; ++i) {
        view.first_group[i] = groups;
        groups += (row_tiles(view.targets[i].weight) + view.plan.row_warps - 1) / view.plan.row_warps;
    }
    return groups;
}

cudaError_t launch_matvec(const MatvecView& view, uint32_t groups, cudaStream_t stream) {
    return view.targets[0].weight.format == WeightFormat::nvfp4 ? launch_format<true>(view, groups, stream)
                                                                : launch_format<false>(view, groups, stream);
}

} // namespace fp4::cuda
