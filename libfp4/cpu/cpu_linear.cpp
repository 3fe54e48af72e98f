// linear(): picks a kernel for each target, cuts the rows of all targets into tasks, and runs them in one
// loop.
#include <algorithm>

#include "libfp4/cpu/cpu_work.h"
#include "libfp4/cpu/spread.h"
#include "libfp4/cpu/weight_rows.h"

namespace fp4 {

CpuStream::LinearKernel CpuStream::choose_kernel(const CpuActivation& input, size_t n,
                                                 const HostMatrix& weight) const {
    // A NaN block scale is rare enough for the general path, which decodes every scale from a table.
    if (weight.regular_scales()) {
        if (input.is_integer() && has_integer_kernel(weight.format()))
            return n < matmul_tokens ? LinearKernel::integer_matvec : LinearKernel::integer_matmul;
        if (!input.is_integer() && is_w4(weight.format()) && n < float_matmul_tokens)
            return LinearKernel::float_matvec;
    }
    return LinearKernel::float_matmul;
}

bool CpuStream::plan_linear(const CpuActivation& input, size_t n, std::span<const HostTarget> targets) {
    tasks_.clear();
    needs_arranged_ = needs_values_ = false;
    size_t total = 0;
    for (const HostTarget& target : targets) total += target.end_row - target.first_row;
    // Decode: a few tasks per thread, whole register tiles each.
    size_t share = std::max<size_t>(round_up(total / (threads_ * 4) + 1, 8), 16);
    uint64_t scratch = 0;
    for (const HostTarget& target : targets) {
        LinearKernel kernel = choose_kernel(input, n, *target.weight);
        size_t step = share;
        if (kernel == LinearKernel::integer_matmul) {
            step = std::min(share, panel_rows);
            step = round_up(step, 16);
            scratch = std::max<uint64_t>(scratch, matmul_integer_scratch(input.cols()));
        } else if (kernel == LinearKernel::float_matmul) {
            step = float_panel(input.padded());
            scratch = std::max<uint64_t>(scratch, step * input.padded() * sizeof(float));
        }
        needs_arranged_ |= kernel == LinearKernel::float_matvec;
        needs_values_ |= kernel == LinearKernel::float_matmul && input.is_integer();
        for (size_t first = target.first_row; first < target.end_row; first += step) {
            tasks_.push_back({&target, kernel, first, std::min(step, target.end_row - first)});
        }
    }
    return reserve_workers(scratch);
}

// The inputs in the forms the chosen kernels need.
bool CpuStream::prepare_inputs(const CpuActivation& input, size_t n) {
    size_t padded = input.padded();
    values_ = input.is_integer() ? nullptr : input.values(0);
    if (needs_values_) {
        float* expanded = expanded_.floats(n * padded);
        if (!expanded) return fail(error(Status::memory, "linear: no memory for the inputs")), false;
        for (size_t t = 0; t < n; ++t) input.expand(t, expanded + t * padded);
        values_ = expanded;
    }
    if (needs_arranged_) {
        float* lanes = arranged_.floats(n * padded);
        if (!lanes) return fail(error(Status::memory, "linear: no memory for the inputs")), false;
        for (size_t t = 0; t < n; ++t)
            kernels_.arrange_lanes(values_ + t * padded, padded, lanes + t * padded);
        lanes_ = lanes;
    }
    return true;
}

void CpuStream::run_task(const LinearTask& task, const CpuActivation& input, size_t n, size_t worker) {
    const HostTarget& target = *task.target;
    size_t rows = target.weight->rows(), padded = input.padded();
    WeightRows w = weight_rows(*target.weight).from(task.first);
    LinearOut out{target.out + task.first, rows, target.bias ? target.bias + task.first : nullptr,
                  target.accumulate};
    switch (task.kernel) {
        case LinearKernel::integer_matvec:
            kernels_.matvec_integer(w, task.count, input.integers(), n, out);
            break;
        case LinearKernel::integer_matmul:
            kernels_.matmul_integer(w, task.count, input.integers(), n, out, worker_scratch(worker));
            break;
        case LinearKernel::float_matvec:
            kernels_.matvec_w4_float(w, task.count, lanes_, padded, n, out);
            break;
        case LinearKernel::float_matmul: {
            auto* panel = reinterpret_cast<float*>(worker_scratch(worker));
            for (size_t r = 0; r < task.count; ++r) kernels_.dequantize(w.from(r), panel + r * padded);
            kernels_.matmul_f32(values_, padded, n, panel, padded, task.count, w.cols, out);
            break;
        }
    }
}

void CpuStream::run_linear(const Activation& input, size_t n, std::span<const HostTarget> targets) {
    auto& rounded = static_cast<const CpuActivation&>(input);
    if (!plan_linear(rounded, n, targets) || !prepare_inputs(rounded, n)) return;
    pool_->parallel_for(tasks_.size(),
                        [&](size_t index, size_t worker) { run_task(tasks_[index], rounded, n, worker); });
}

} // namespace fp4
