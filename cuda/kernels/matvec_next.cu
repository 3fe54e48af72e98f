#include "cuda/device/activate.h"
#include "cuda/device/block_pair.h"
#include "cuda/device/input_norm.h"
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
template <bool nv, class Columns>
__device__ float row_value(const MatvecPlan& plan, const MatvecTarget& target, uint32_t row_warp, uint32_t r,
                           float factor, const float* partial) {
    const float sum = add_warps(partial + row_warp * Columns::outputs + r * Columns::tokens, plan.k_warps,
                                plan.row_warps * Columns::outputs) *
                      (factor * product_scale<nv>(target.weight));
    return target.output.bias ? sum + target.output.bias[blockIdx.x * tile_rows + r] : sum;
}

// What a row needs besides its sum: on its way while the warp multiplies.
struct RowTerms {
    float before = 0.0f; // what the sum is added to
    float norm_weight = 0.0f;
};

// The block's 16 rows as the next operation's input, into the first block's memory. By one warp.
template <bool nv, class Columns, bool norm>
__device__ void hand_over(const MatvecView& view, const MatvecPlan& plan, const NextInput& next, float factor,
                          const RowTerms& terms, const float* partial, PairRows& rows) {
    const uint32_t lane = threadIdx.x % 32, row = blockIdx.x * tile_rows + lane, block = blockIdx.x % 2;
    const MatvecTarget& target = view.targets[0];
    float square = 0.0f;
    if (lane < tile_rows) {
        const float sum = row_value<nv, Columns>(plan, target, 0, lane, factor, partial);
        float value;
        if constexpr (norm) {
            const float x = terms.before + sum;
            target.output.out[row] = x;
            square = x * x;
            value = x * terms.norm_weight;
        } else {
            value = activated(next.glu, sum) *
                    row_value<nv, Columns>(plan, view.targets[1], 1, lane, factor, partial);
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
    const uint32_t column = lane < lanes ? first + lane * 4 : no_column;
    if constexpr (norm) {
        transform_run(next.rounding.transform, column, next.out.cols, v);
        store_unrounded(next.out, 0, column, v);
        if (lane == 0) next.squares[first / square_columns] = rows.squares[0] + rows.squares[1];
    } else {
        finish_run(next.out, next.rounding, 0, column, v);
    }
}

template <bool nv, class Columns, bool norm>
__global__ __launch_bounds__(matvec_warps * 32, 2) void matvec_next(const __grid_constant__ MatvecView view,
                                                                    const __grid_constant__ NextInput next) {
    __shared__ float partial[matvec_warps * Columns::outputs];
    __shared__ InputNorm input_norm;
    __shared__ PairRows rows;
    arrive_pair();
    const MatvecPlan plan{.k_warps = view.plan.k_warps, .row_warps = norm ? 1 : 2, .splits = 1};
    const auto [row_warp, k_warp] = warp_place(plan);
    const bool first_warp = threadIdx.x < 32;
    RowTerms terms;
    PackedRows weight = packed_rows(view.targets[0].weight);
    if (!norm && row_warp > 0) weight = packed_rows(view.targets[1].weight);
    Sums<Columns> sums = {};
    multiply_tile<nv, Columns>(view, plan, weight, blockIdx.x, k_warp, sums, [&] {
        if (norm && threadIdx.x < tile_rows) {
            const uint32_t row = blockIdx.x * tile_rows + threadIdx.x;
            terms = {view.targets[0].output.out[row], next.norm.weight[row]};
        }
        if (!norm && first_warp) fetch_norm(view.input, input_norm);
    });
    store_partial<Columns>(plan, k_warp, row_warp, sums, partial);
    float factor = 1.0f;
    if (!norm && first_warp) {
        wait_for_all_copies();
        __syncwarp();
        factor = norm_factor(view.input, input_norm);
    }
    __syncthreads();
    wait_pair(); // the other block runs
    if (first_warp) hand_over<nv, Columns, norm>(view, plan, next, factor, terms, partial, rows);
    arrive_pair();
    wait_pair();
    if (first_warp && blockIdx.x % 2 == 0) finish_rows<norm>(next, rows);
}

template <bool nv>
cudaError_t launch_format(const MatvecView& view, const NextInput& next, cudaStream_t stream) {
    const WeightView& weight = view.targets[0].weight;
    const uint32_t warps = view.plan.k_warps * view.plan.row_warps;
    auto launch_columns = [&](auto kernel, size_t shared) {
        const LaunchOrder order{.cluster = 2};
        return launch(order, kernel, weight.rows / tile_rows, warps * 32, shared, stream, view, next);
    };
    const bool norm = next.norm.weight;
    if (norm && view.input.norm.squares) return cudaErrorInvalidValue;
    if (!norm) return launch_columns(matvec_next<nv, OneToken, false>, stage_bytes<OneToken>(warps));
    if (weight.cols <= short_chunks * view.plan.k_warps * chunk_columns)
        return launch_columns(matvec_next<nv, OneShortToken, true>, stage_bytes<OneShortToken>(warps));
    return launch_columns(matvec_next<nv, OneToken, true>, stage_bytes<OneToken>(warps));
}

} // namespace

bool rounds_32_columns(const RoundingView& rounding, uint32_t cols) {
    return cols % pair_rows == 0 && !rounding.needs_row_amax() &&
           (rounding.transform.kind == InputTransform::Kind::identity ||
            rounding.transform.block <= pair_rows);
}

cudaError_t launch_matvec_next(const MatvecView& view, const NextInput& next, cudaStream_t stream) {
    return view.targets[0].weight.format == WeightFormat::nvfp4 ? launch_format<true>(view, next, stream)
                                                                : launch_format<false>(view, next, stream);
}

} // namespace fp4::cuda
