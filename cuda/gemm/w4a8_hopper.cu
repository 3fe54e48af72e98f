// For sm_90a only (meson.build); w4a16.cu calls it there.
#include "cuda/gemm/hopper_launch.h"
#include "cuda/gemm/launch.h"
#include "cuda/gemm/w4a8_hopper_kernel.h"

namespace fp4::cuda {
namespace {

template <int tokens>
__global__ void __launch_bounds__(W4A8Panels<tokens>::threads, 1)
    w4a8_hopper(const __grid_constant__ W4A16Arguments arguments) {
    begin();
    run_hopper_block<W4A8Panels<tokens>>(arguments, [&](const W4A16Weights& w, const HopperWork& work) {
        multiply_e4m3_panels<tokens>(arguments, w, work);
    });
}

template <int tokens>
cudaError_t start(const W4A16Arguments& arguments, unsigned row_blocks, int splits, cudaStream_t stream) {
    using Panels = W4A8Panels<tokens>;
    const dim3 grid(blocks(arguments.m, tokens), row_blocks, splits);
    return launch_kernel(w4a8_hopper<tokens>, grid, Panels::threads, Panels::shared_bytes, stream, arguments);
}

} // namespace

cudaError_t launch_w4a8_hopper(const W4A16Arguments& arguments, unsigned row_blocks, int tokens, int splits,
                               cudaStream_t stream) {
    if (tokens == 64) return start<64>(arguments, row_blocks, splits, stream);
    if (tokens == 128) return start<128>(arguments, row_blocks, splits, stream);
    return start<256>(arguments, row_blocks, splits, stream);
}

} // namespace fp4::cuda
