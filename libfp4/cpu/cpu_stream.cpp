// Token-wise operations. linear() is in cpu_linear.cpp, rope and attention in cpu_attention.cpp.
#include "libfp4/cpu/cpu_stream.h"

#include <cstring>

#include "libfp4/cpu/cpu_work.h"
#include "libfp4/cpu/scale_table.h"
#include "libfp4/cpu/spread.h"
#include "libfp4/cpu/weight_rows.h"

namespace fp4 {

Result<void> CpuStream::reserve(const StreamWork& work) {
    const CpuWork needed = cpu_work(work, threads_);
    if (workers_.bytes(needed.worker * threads_) && partials_.bytes(needed.partials) &&
        (needed.arranged == 0 || arranged_.bytes(needed.arranged)))
        return {};
    FP4_TRY(host_account().check(needed.bytes(threads_)));
    return error(Status::memory, "cannot allocate ", needed.bytes(threads_), " bytes of work memory");
}

bool CpuStream::reserve_workers(uint64_t bytes_per_worker) {
    worker_bytes_ = round_up(static_cast<size_t>(bytes_per_worker), AlignedBytes::alignment);
    workers_memory_ = workers_.bytes(worker_bytes_ * threads_);
    if (!workers_memory_)
        fail(error(Status::memory, "cannot allocate ", bytes_per_worker, " bytes of work memory"));
    return workers_memory_ != nullptr;
}

// values: [padded], zero behind cols; for a16 it is the activation's own row.
void CpuStream::round_row(const HostRounding& rounding, size_t row, float* values) {
    auto& out = static_cast<CpuActivation&>(*rounding.out);
    size_t cols = out.cols();
    if (rounding.transform) {
        const InputTransform& transform = rounding.transform->definition();
        if (!transform.channel_scale.empty())
            kernels_.channel_scale(transform.channel_scale.data(), cols, values);
        if (transform.kind == InputTransform::Kind::hadamard)
            kernels_.hadamard(values, cols, transform.block);
        if (transform.kind == InputTransform::Kind::matrix) {
            kernels_.block_matrix(transform.matrix.data(), rounding.transform->matrix_stride(), values, cols,
                                  transform.block);
        }
    }
    if (out.is_integer()) {
        kernels_.round_integer(out.format(), values, cols, out.integers(row));
    } else if (out.format().kind == ActivationFormat::Kind::mxfp8_e4m3) {
        kernels_.round_e4m3(out.format().rule, values, cols);
    }
}

void CpuStream::run_embed(const HostMatrix& table, const int32_t* ids, size_t n, float scale, float* x) {
    WeightRows rows = weight_rows(table);
    size_t cols = table.cols();
    for (size_t t = 0; t < n; ++t) {
        kernels_.dequantize(rows.from(static_cast<size_t>(ids[t])), x + t * cols);
        if (scale != 1.0f) kernels_.scale(scale, cols, x + t * cols);
    }
}

void CpuStream::run_norm(const float* x, size_t n, const HostNorm& norm, const HostRounding& rounding) {
    produce_rows(rounding, n, norm.cols, [&](size_t row, float* out) {
        kernels_.rms_norm(x + row * norm.cols, norm.weight, norm.epsilon, norm.cols, out);
    });
}

void CpuStream::run_glu(const float* gate, const float* up, size_t n, size_t width, GluKind kind,
                        const HostRounding& rounding) {
    produce_rows(rounding, n, width, [&](size_t row, float* out) {
        kernels_.glu(kind, gate + row * width, up + row * width, width, out);
    });
}

void CpuStream::run_norm_add(const float* y, size_t n, const HostNorm& norm, float* x) {
    if (!reserve_workers(norm.cols * sizeof(float))) return;
    spread(n, n > 1, [&](size_t row, size_t worker) {
        auto* normed = reinterpret_cast<float*>(worker_scratch(worker));
        kernels_.rms_norm(y + row * norm.cols, norm.weight, norm.epsilon, norm.cols, normed);
        kernels_.add(normed, norm.cols, x + row * norm.cols);
    });
}

} // namespace fp4
