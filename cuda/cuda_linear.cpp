// linear(): which kernel multiplies which weight.
#include <algorithm>

#include "cuda/cuda_stream.h"
#include "cuda/device/launch.h"
#include "cuda/device/rounding.h"
#include "cuda/gemm/gemm.h"
#include "cuda/views.h"

namespace fp4::cuda {

void CudaStream::linear(const Activation& input, size_t n, std::span<const LinearTarget> targets) {
    if (collecting_) {
        calls_.emplace_back(LinearCall{&input, n, {targets.begin(), targets.end()}});
        return;
    }
    for (const LinearTarget& target : targets) {
        if (!require(target.weight && target.out, "linear", "a target has no weight or output") ||
            !require(target.row_count == 0, "linear", "this device computes whole weights only") ||
            !require(n <= input.max_rows() && target.weight->cols() == input.cols(), "linear",
                     "the weight does not fit the input") ||
            !require(holds(*target.out, n, target.weight->rows()), "linear", "the output is too small") ||
            (target.bias && !vector_of(target.bias, target.weight->rows(), "linear"))) {
            return;
        }
    }
    if (!state_.ok() || n == 0) return;
    const ActivationView x = device(input).view(n);
    for (const LinearTarget& target : targets) {
        if (!require(!x.in_operand || x.keeps_values || device(*target.weight).view().packed, "linear",
                     "the input was not made for this weight"))
            return;
    }
    mxfp4_targets_.clear();
    nvfp4_targets_.clear();
    for (const LinearTarget& target : targets) {
        const WeightView& weight = device(*target.weight).view();
        const LinearOutput output = output_view(target);
        if (!weight.packed)
            launched(launch_linear_plain(x, n, weight, output, stream_), "linear");
        else
            (weight.format == WeightFormat::nvfp4 ? nvfp4_targets_ : mxfp4_targets_)
                .push_back({weight, output});
    }
    for (std::span<const MatvecTarget> packed : {std::span(mxfp4_targets_), std::span(nvfp4_targets_)}) {
        if (packed.empty()) continue;
        if (!x.in_operand)
            linear_packed(x, n, packed);
        else if (multiplies_blocks(x, packed[0].weight.format))
            linear_blocks(x, n, packed);
        else
            linear_matrix(x, n, packed);
    }
}

// The block-scaled instruction takes both sides as they are stored.
bool CudaStream::multiplies_blocks(const ActivationView& input, WeightFormat weight) const {
    if (!block_scaled_products) return false;
    if (weight == WeightFormat::nvfp4) return input.kind == ActivationFormat::Kind::nvfp4;
    return input.kind == ActivationFormat::Kind::mxfp4 || input.kind == ActivationFormat::Kind::mxfp8_e4m3;
}

void CudaStream::linear_blocks(const ActivationView& input, size_t n, std::span<const MatvecTarget> targets) {
    for (const MatvecTarget& target : targets) {
        GemmW4A4 gemm;
        gemm.format = rounded_format(input.kind);
        gemm.m = n;
        gemm.n = target.weight.rows;
        gemm.k = target.weight.cols;
        gemm.x = {input.operand.codes, input.operand.scales};
        gemm.x_scale = input.operand.tensor_scale;
        gemm.w = {target.weight.codes, target.weight.scales};
        gemm.w_scale = target.weight.tensor_scale;
        gemm.output = {target.output.bias, target.output.out, target.output.accumulate};
        launched(gemm_w4a4(gemm, stream_), "linear");
    }
}

void CudaStream::linear_matrix(const ActivationView& input, size_t n, std::span<const MatvecTarget> targets) {
    while (!targets.empty()) {
        const auto together = targets.first(std::min<size_t>(targets.size(), gemm_weights));
        targets = targets.subspan(together.size());
        GemmW4A16 gemm;
        gemm.format = to_block(together[0].weight.format);
        gemm.m = n;
        gemm.k = input.cols;
        gemm.panel_rows = input.operand.panel_rows;
        const bool e4m3 = input.operand.e4m3 && input.rule == ScaleRule::tensor &&
                          std::ranges::all_of(together, [](auto& target) { return target.weight.folds; });
        gemm.element = e4m3 ? PanelElement::e4m3 : PanelElement::f16;
        gemm.x = e4m3 ? input.operand.e4m3 : input.operand.half;
        gemm.x_scale = e4m3 ? input.operand.tensor_scale : input.operand.row_scale;
        gemm.weight_count = 0;
        for (const auto& [weight, output] : together) {
            gemm.weights[gemm.weight_count++] = {{weight.codes, weight.scales},
                                                 weight.row_factors,
                                                 weight.rows,
                                                 {output.bias, output.out, output.accumulate}};
        }
        gemm.workspace_bytes = gemm_w4a16_workspace(gemm);
        if (gemm.workspace_bytes > 0) {
            gemm.workspace = reinterpret_cast<float*>(reserve(gemm_sums_, gemm.workspace_bytes));
            if (!gemm.workspace) return;
        }
        launched(gemm_w4a16(gemm, stream_), "linear");
    }
}

void CudaStream::linear_packed(const ActivationView& input, size_t n, std::span<const MatvecTarget> targets) {
    while (!targets.empty()) {
        const auto together = targets.first(std::min<size_t>(targets.size(), matvec_targets));
        targets = targets.subspan(together.size());
        MatvecView view;
        uint32_t row_tiles = 0;
        for (const MatvecTarget& target : together) {
            row_tiles += (target.weight.rows + tile_rows - 1) / tile_rows;
            view.targets[view.target_count++] = target;
        }
        view.input = input;
        view.n = u32(n);
        view.plan = plan_matvec(row_tiles, input.cols, view.n, processors_);
        const uint32_t groups = matvec_groups(view);
        if (view.plan.splits > 1) {
            const size_t floats = matvec_scratch_floats(view.plan, groups);
            view.scratch.sums = reinterpret_cast<float*>(reserve(matvec_sums_, floats * sizeof(float)));
            view.scratch.counters =
                reinterpret_cast<uint32_t*>(reserve(matvec_counters_, groups * sizeof(uint32_t)));
            if (!view.scratch.sums || !view.scratch.counters) return;
        }
        launched(launch_matvec(view, groups, stream_), "linear");
    }
}

} // namespace fp4::cuda
