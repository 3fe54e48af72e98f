#include "cuda/device/fragments.h"
#include "cuda/device/launch.h"
#include "tests/bench/read_memory.h"

namespace fp4::bench {
namespace {

constexpr int threads = 512, blocks = 4; // blocks of a multiprocessor
constexpr int loads = 4;                 // of a thread, under way at a time

// Starts before the previous kernel ends, as the library's kernels do.
__global__ __launch_bounds__(threads) void read(const uint4* from, size_t vectors, unsigned* sink) {
    uint4 sum = {};
    const size_t step = size_t(gridDim.x) * threads * loads;
    size_t i = size_t(blockIdx.x) * threads * loads + threadIdx.x;
    for (bool first = true; first || i < vectors; first = false, i += step) {
        uint4 v[loads];
#pragma unroll
        for (int k = 0; k < loads; ++k)
            v[k] = i + k * threads < vectors ? cuda::load_once(from + i + k * threads) : uint4{};
        if (first) cuda::begin();
#pragma unroll
        for (int k = 0; k < loads; ++k) sum.x ^= v[k].x, sum.y ^= v[k].y, sum.z ^= v[k].z, sum.w ^= v[k].w;
    }
    // Never so, which the compiler cannot know.
    if ((sum.x & sum.y & sum.z & sum.w) == 0xFFFFFFFFu) *sink = sum.x;
}

} // namespace

cudaError_t launch_read(const void* from, size_t bytes, int processors, unsigned* sink, cudaStream_t stream) {
    const auto grid = static_cast<unsigned>(processors * blocks);
    return cuda::launch(read, grid, threads, 0, stream, static_cast<const uint4*>(from), bytes / 16, sink);
}

} // namespace fp4::bench
