#include <algorithm>
#include <cstdio>
#include <cstdlib>

#ifdef FP4_WITH_CUDA
#include "cuda/cuda_backend.h"
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
[[maybe_unused]] void add_if_present(std::vector<TestedBackend>& list, const char* name,
                                     Result<std::shared_ptr<Backend>> (*open)()) {
    if (auto backend = open(); backend.ok())
        list.push_back({name, open});
    else
        std::printf("%s skipped: %s\n", name, backend.error().message.c_str());
}

} // namespace

// FP4_TEST_BACKEND=cuda leaves only the backends whose names start so.
std::vector<TestedBackend> tested_backends() {
    std::vector<TestedBackend> list;
    add_level<CpuLevel::scalar>(list);
    add_level<CpuLevel::avx2>(list);
    add_level<CpuLevel::avx512>(list);
    add_level<CpuLevel::avx512_vnni>(list);
#ifdef FP4_WITH_CUDA
    add_if_present(list, "cuda", open_cuda_backend);
#endif
    if (const char* wanted = std::getenv("FP4_TEST_BACKEND"))
        std::erase_if(list, [&](const TestedBackend& backend) { return !backend.name.starts_with(wanted); });
    return list;
}

} // namespace fp4::ops
