#include "libfp4/cpu/cpu_backend.h"

#include <algorithm>

#include "libfp4/cpu/cpu_activation.h"
#include "libfp4/cpu/cpu_stream.h"
#include "libfp4/cpu/cpu_work.h"
#include "libfp4/cpu/weight_rows.h"

namespace fp4 {
namespace {

// What was built, lowest level first.
constexpr const Kernels* implementations[] = {
    &kernels_scalar,
#if defined(__x86_64__)
    &kernels_avx2,
    &kernels_avx512,
    &kernels_avx512_vnni,
#endif
};

const Kernels* find_kernels(CpuLevel max_level) {
    const Kernels* best = nullptr;
    for (const Kernels* kernels : implementations) {
        for (CpuLevel level : available_cpu_levels())
            if (level == kernels->level && level <= max_level) best = kernels;
    }
    return best;
}

} // namespace

DeviceInfo CpuBackend::device() const {
    return host_device("cpu", kernels_.instruction_sets);
}

uint64_t CpuBackend::activation_bytes(size_t max_rows, size_t cols) const {
    return uint64_t(max_rows) * padded_cols(cols) * sizeof(float);
}

uint64_t CpuBackend::stream_bytes(const StreamConfig& config, const StreamWork& work) const {
    const auto threads = static_cast<size_t>(std::max(ThreadPool::count(config.threads), 1));
    return cpu_work(work, threads).bytes(threads);
}

Result<std::unique_ptr<Activation>> CpuBackend::create_activation(size_t max_rows, size_t cols,
                                                                  std::span<const Weight* const>) {
    FP4_ASSIGN(std::unique_ptr<CpuActivation> activation, CpuActivation::create(max_rows, cols));
    return std::unique_ptr<Activation>(std::move(activation));
}

Result<std::unique_ptr<Stream>> CpuBackend::create_stream(const StreamConfig& config) {
    FP4_ASSIGN(std::unique_ptr<ThreadPool> pool, ThreadPool::create(config.threads, config.priority));
    return std::unique_ptr<Stream>(std::make_unique<CpuStream>(kernels_, std::move(pool)));
}

Backend::Support CpuBackend::linear_support(WeightFormat weight, ActivationFormat activation) const {
    switch (activation.kind) {
        case ActivationFormat::Kind::a16:
            return {true, true};
        case ActivationFormat::Kind::mxint8:
        case ActivationFormat::Kind::mxfp4:
        case ActivationFormat::Kind::nvfp4:
            return {true, has_integer_kernel(weight)};
        case ActivationFormat::Kind::mxfp8_e4m3:
            return {true, false};
    }
    return {};
}

Result<std::shared_ptr<Backend>> create_cpu_backend(CpuLevel max_level) {
    const Kernels* kernels = find_kernels(max_level);
    if (!kernels) return error(Status::unsupported, "no CPU kernels were built");
    return std::shared_ptr<Backend>(std::make_shared<CpuBackend>(*kernels));
}

Result<std::shared_ptr<Backend>> open_cpu_backend() {
    return create_cpu_backend(CpuLevel::avx512_vnni);
}

} // namespace fp4
