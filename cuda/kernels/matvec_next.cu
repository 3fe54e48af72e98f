#include "cuda/device/activate.h"
#include "cuda/device/block_pair.h"
#include "cuda/device/matvec_tile.h"
#include "cuda/device/row_output.h"
#include "cuda/kernels/matvec_next.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t pair_rows = 2 * tile_rows;
static_assert(pair_rows == square_columns);

struct PairRows { // of the first block
    float values[pair_rows];
    float squares[2];
};

// Row r of the block's tile `row_warp`, all warps' sums added up.
template <bool nv>
__device__ float row_value(const MatvecView& view, const MatvecTarget& target, uint32_t row_warp, uint32_t r,
                           float factor, const float* partial) {
    float sum = 0.0f;
    for (uint32_t w = 0; w < view.plan.k_warps; ++w)
        sum += partial[(w * view.plan.row_warps + row_warp) * FourTokens::outputs + r * part_tokens];
    sum *= product_scale<nv>(target.weight) * factor;
    return target.output.bias ? sum + target.output.bias[blockIdx.x * tile_rows + r] : sum;
}

// The block's 16 rows as the next operation's input, into the first block's memory. By one warp.
template <bool nv, bool norm>
__device__ void hand_over(const MatvecView& view, const NextInput& next, float factor, float before,
                          const float* partial, PairRows& rows) {
    const uint32_t lane = threadIdx.x % 32, row = blockIdx.x * tile_rows + lane, block = blockIdx.x % 2;
    const MatvecTarget& target = view.targets[0];
    float square = 0.0f;
    if (lane < tile_rows) {
        const float sum = row_value<nv>(view, target, 0, lane, factor, partial);
        float value;
        if constexpr (norm) {
            const float x = before + sum;
            target.output.out[row] = x;
            square = x * x;
            value = x * next.norm.weight[row];
        } else {
            value = activated(next.glu, sum) * row_value<nv>(view, view.targets[1], 1, lane, factor, partial);
        }
        store_to_first(rows.values + block * tile_rows + lane, value);
    }
    if constexpr (norm) {
        square = warp_sum(square);
        if (lane == 0) store_to_first(rows.squares + block, square);
    }
}

// Both blocks' rows, four a lane, transformed and rounded. By one warp.
template <bool norm>
__device__ void finish_rows(const NextInput& next, const PairRows& rows) {
    constexpr uint32_t lanes = pair_rows / 4;
    const uint32_t lane = threadIdx.x % 32, first = blockIdx.x * tile_rows;
    float v[4] = {};
    if (lane < lanes)
        for (uint32_t e = 0; e < 4; ++e) v[e] = rows.values[lane * 4 + e];
    finish_run(next.out, next.rounding, 0, lane < lanes ? first + lane * 4 : no_column, v);
    if (norm && lane == 0) next.squares[first / square_columns] = rows.squares[0] + rows.squares[1];
}

template <bool nv, bool staged, bool norm>
__global__ __launch_bounds__(matvec_warps * 32, 2) void matvec_next(const __grid_constant__ MatvecView view,
                                                                    const __grid_constant__ NextInput next) {
    __shared__ float partial[matvec_warps * FourTokens::outputs];
    __shared__ InputNorm input_norm;
    __shared__ PairRows rows;
    arrive_pair();
    const uint32_t warp = threadIdx.x / 32, k_warps = view.plan.k_warps;
    const uint32_t k_warp = warp % k_warps, row_warp = warp / k_warps;
    float before = 0.0f; // what a sum is added to, on its way while the warp multiplies
    Sums<FourTokens> sums = {};
    multiply_tile<nv, FourTokens, staged>(view, view.targets[row_warp].weight, blockIdx.x, k_warp, sums, [&] {
        if (norm && threadIdx.x < tile_rows)
            before = view.targets[0].output.out[blockIdx.x * tile_rows + threadIdx.x];
        if (warp == 0) fetch_norm(view.input, input_norm);
    });
    store_partial<FourTokens>(view, k_warp, row_warp, sums, partial);
    float factor = 1.0f;
    if (warp == 0) {
        wait_for_copies<0>();
        __syncwarp();
        factor = norm_factor(view.input, input_norm);
    }
    __syncthreads();
    wait_pair(); // the other block runs
    if (warp == 0) hand_over<nv, norm>(view, next, factor, before, partial, rows);
    arrive_pair();
    wait_pair();
    if (warp == 0 && blockIdx.x % 2 == 0) finish_rows<norm>(next, rows);
}

template <bool nv>
auto choose(bool staged, bool norm) {
    return norm     ? matvec_next<nv, true, true>
           : staged ? matvec_next<nv, true, false>
                    : matvec_next<nv, false, false>;
}

} // namespace

bool rounds_32_columns(const RoundingView& rounding, uint32_t cols) {
    return cols % pair_rows == 0 && !rounding.needs_row_amax() &&
           (rounding.transform.kind == InputTransform::Kind::identity ||
            rounding.transform.block <= pair_rows);
}

cudaError_t launch_matvec_next(const MatvecView& view, const NextInput& next, cudaStream_t stream) {
    const WeightView& weight = view.targets[0].weight;
    const bool staged = view.plan.k_warps > 1, norm = next.norm.weight;
    if (norm && !staged) return cudaErrorInvalidValue;
    const auto kernel =
        weight.format == WeightFormat::nvfp4 ? choose<true>(staged, norm) : choose<false>(staged, norm);
    const uint32_t warps = view.plan.k_warps * view.plan.row_warps;
    const LaunchOrder order{.cluster = 2};
    return launch(order, kernel, weight.rows / tile_rows, warps * 32, staged ? stage_bytes(warps) : 0, stream,
                  view, next);
}

} // namespace fp4::cuda
