#include <algorithm>
#include <cstdio>
#include <cstdlib>

#ifdef FP4_WITH_CUDA
#include "cuda/cuda_backend.h"
#include "cuda/device/activation_view.h"
#include "cuda/device/launch.h"
#endif
#include "libfp4/cpu/cpu_backend.h"
#include "rig.h"

namespace fp4::ops {
namespace {

template <CpuLevel level>
Result<std::shared_ptr<Backend>> open_at() {
    return create_cpu_backend(level);
}

template <CpuLevel level>
void add_level(std::vector<TestedBackend>& list) {
    auto available = available_cpu_levels();
    if (std::find(available.begin(), available.end(), level) == available.end()) return;
    list.push_back({std::string("cpu ") + cpu_level_name(level), open_at<level>});
}

// A device that this machine may lack.
[[maybe_unused]] void add_if_present(std::vector<TestedBackend>& list, const TestedBackend& entry) {
    if (auto backend = entry.open(); backend.ok())
        list.push_back(entry);
    else
        std::printf("%s skipped: %s\n", entry.name.c_str(), backend.error().message.c_str());
}

#ifdef FP4_WITH_CUDA
// With the block-scaled products of sm_120, which other GPUs emulate.
Result<std::shared_ptr<Backend>> open_cuda_block_scaled() {
    auto backend = open_cuda_backend();
    cuda::block_scaled_products = true;
    return backend;
}
#endif

} // namespace

// FP4_TEST_BACKEND=cuda leaves only the backends whose names start so.
std::vector<TestedBackend> tested_backends() {
    std::vector<TestedBackend> list;
    add_level<CpuLevel::scalar>(list);
    add_level<CpuLevel::avx2>(list);
    add_level<CpuLevel::avx512>(list);
    add_level<CpuLevel::avx512_vnni>(list);
#ifdef FP4_WITH_CUDA
    constexpr size_t half_from = cuda::few_tokens + 1, input_half_from = cuda::part_tokens + 1;
    add_if_present(list, {"cuda", open_cuda_backend, half_from, input_half_from, half_from});
    add_if_present(list, {"cuda block-scaled", open_cuda_block_scaled, half_from, input_half_from});
#endif
    if (const char* wanted = std::getenv("FP4_TEST_BACKEND"))
        std::erase_if(list, [&](const TestedBackend& backend) { return !backend.name.starts_with(wanted); });
    return list;
}

} // namespace fp4::ops
