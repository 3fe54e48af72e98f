#include "cuda/device/fragments.h"
#include "cuda/device/launch.h"
#include "tests/bench/read_memory.h"

namespace fp4::bench {
namespace {

constexpr int threads = 512, blocks = 4; // blocks of a multiprocessor

// Starts before the previous kernel ends, as the library's kernels do.
__global__ __launch_bounds__(threads) void read(const uint4* from, size_t vectors, unsigned* sink) {
    uint4 sum = {};
    auto add = [&](const uint4& v) { sum.x ^= v.x, sum.y ^= v.y, sum.z ^= v.z, sum.w ^= v.w; };
    // A block's share lies together, as rows do.
    const size_t each = (vectors + gridDim.x - 1) / gridDim.x, end = min(vectors, (blockIdx.x + 1) * each);
    size_t i = blockIdx.x * each + threadIdx.x;
    for (bool first = true; first || i < end; first = false, i += 2 * threads) {
        const uint4 a = i < end ? cuda::load_once(from + i) : uint4{};
        const uint4 b = i + threads < end ? cuda::load_once(from + i + threads) : uint4{};
        if (first) cuda::begin();
        add(a), add(b);
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
