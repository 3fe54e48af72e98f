// linear(): which kernel multiplies which weight.
#include <algorithm>

#include "cuda/cuda_stream.h"
#include "cuda/views.h"

namespace fp4::cuda {

void CudaStream::linear(const Activation& input, size_t n, std::span<const LinearTarget> targets) {
    std::vector<LinearTarget> kept(collecting_ ? targets.begin() : targets.end(), targets.end());
    if (collect([this, &input, n, kept = std::move(kept)] { linear(input, n, kept); })) return;
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
    const ActivationView& x = device(input).view();
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
    linear_packed(x, n, mxfp4_targets_);
    linear_packed(x, n, nvfp4_targets_);
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
        for (size_t first = 0; first < n; first += matvec_tokens) {
            view.first_token = static_cast<uint32_t>(first);
            view.n = static_cast<uint32_t>(std::min<size_t>(n - first, matvec_tokens));
            view.plan = plan_matvec(row_tiles, input.cols, processors_);
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
}

} // namespace fp4::cuda
