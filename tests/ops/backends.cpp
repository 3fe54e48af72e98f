#include <algorithm>

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

} // namespace

std::vector<TestedBackend> tested_backends() {
    std::vector<TestedBackend> list;
    add_level<CpuLevel::scalar>(list);
    add_level<CpuLevel::avx2>(list);
    add_level<CpuLevel::avx512>(list);
    add_level<CpuLevel::avx512_vnni>(list);
    return list;
}

} // namespace fp4::ops
