// CpuStream's ways to run a loop in parallel.
#pragma once

#include <algorithm>
#include <cstring>

#include "libfp4/cpu/cpu_stream.h"

namespace fp4 {

template <class Body>
void CpuStream::spread(size_t count, bool parallel, Body&& body) {
    if (!parallel || threads_ == 1) {
        for (size_t i = 0; i < count; ++i) body(i, size_t(0));
        return;
    }
    // A few shares per thread: the threads end together, and there are few to hand out.
    size_t shares = std::min(count, threads_ * 4);
    pool_->parallel_for(shares, [&](size_t share, size_t worker) {
        for (size_t i = count * share / shares; i < count * (share + 1) / shares; ++i) body(i, worker);
    });
}

template <class Produce>
void CpuStream::produce_rows(const HostRounding& rounding, size_t n, size_t cols, Produce&& produce) {
    auto& out = static_cast<CpuActivation&>(*rounding.out);
    out.set_format(rounding.format);
    size_t padded = out.padded();
    if (!reserve_workers(padded * sizeof(float))) return;
    spread(n, n > 1, [&](size_t row, size_t worker) {
        bool in_place = !out.is_integer();
        float* values = in_place ? out.values(row) : reinterpret_cast<float*>(worker_scratch(worker));
        std::memset(values + cols, 0, (padded - cols) * sizeof(float));
        produce(row, values);
        round_row(rounding, row, values);
    });
}

} // namespace fp4
