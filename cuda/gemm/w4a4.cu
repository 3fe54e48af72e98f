#include "cuda/gemm/gemm.h"
#include "cuda/gemm/launch.h"
#include "cuda/gemm/w4a4_kernel.h"

namespace fp4::cuda {
namespace {

template <BlockFormat format, Emulation emulation>
__global__ void __launch_bounds__(W4A4Shape<format>::threads, 1) w4a4_kernel(W4A4Arguments arguments) {
    begin();
    w4a4_block<format, emulation>(arguments);
}

template <Emulation emulation>
cudaError_t launch(const GemmW4A4& gemm, cudaStream_t stream) {
    const W4A4Arguments arguments{gemm.x.codes,
                                  gemm.x.scales,
                                  gemm.x_scale,
                                  gemm.w.codes,
                                  gemm.w.scales,
                                  gemm.w_scale,
                                  gemm.output.bias,
                                  gemm.output.out,
                                  static_cast<int>(gemm.m),
                                  static_cast<int>(gemm.n),
                                  static_cast<int>(gemm.k),
                                  gemm.output.accumulate};
    const dim3 grid(blocks(gemm.m, tile), blocks(gemm.n, tile));
    auto start = [&](auto shape, auto* kernel) {
        using Shape = decltype(shape);
        return launch_kernel(kernel, grid, Shape::threads, Shape::shared_bytes, stream, arguments);
    };
    if (gemm.format == BlockFormat::mxfp4)
        return start(W4A4Shape<BlockFormat::mxfp4>(), w4a4_kernel<BlockFormat::mxfp4, emulation>);
    if (gemm.format == BlockFormat::nvfp4)
        return start(W4A4Shape<BlockFormat::nvfp4>(), w4a4_kernel<BlockFormat::nvfp4, emulation>);
    if constexpr (emulation == Emulation::fast) {
        if (gemm.format == BlockFormat::mxfp8_e4m3)
            return start(W4A4Shape<BlockFormat::mxfp8_e4m3>(),
                         w4a4_kernel<BlockFormat::mxfp8_e4m3, emulation>);
    }
    return cudaErrorInvalidValue;
}

} // namespace

#ifdef FP4_EXACT_EMULATION // this file once more, for tests: meson.build
cudaError_t gemm_w4a4_exact(const GemmW4A4& gemm, cudaStream_t stream) {
    return launch<Emulation::exact>(gemm, stream);
}
#else
cudaError_t gemm_w4a4(const GemmW4A4& gemm, cudaStream_t stream) {
    return launch<Emulation::fast>(gemm, stream);
}
#endif

} // namespace fp4::cuda
