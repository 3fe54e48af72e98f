// Kernels that overlap: on compute capability 9.0 and later a kernel's blocks may start while the one before
// it in the stream still runs (programmatic dependent launch). Every kernel calls begin() before it touches
// memory that another kernel writes; weights may be read before that, and what was written before the pass
// began (kernels/embed.cu).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <utility>

namespace fp4::cuda {

#ifdef __CUDACC__
// Lets the next kernel's blocks start as soon as there is room, and waits until the previous kernel is done
// and its writes are seen.
__device__ inline void begin() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;");
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
#endif

// Set when the device is opened.
inline bool overlap_kernels = false;
// Whether inputs that were rounded to 4 or 8 bits are multiplied by sm_120's block-scaled instruction. Tests
// set it on other GPUs, which emulate the instruction.
inline bool block_scaled_products = false;
// Whether inputs that were rounded to E4M3 with one scale a token are multiplied by Hopper's FP8 instruction.
inline bool e4m3_products = false;

struct LaunchOrder {
    bool alone = false;   // starts when all earlier kernels are done
    uint32_t cluster = 1; // neighbouring blocks that run at the same time
};

template <class... Parameters, class... Arguments>
cudaError_t launch(const LaunchOrder& order, void (*kernel)(Parameters...), dim3 grid, dim3 block,
                   size_t shared, cudaStream_t stream, Arguments&&... arguments) {
    cudaLaunchAttribute attributes[2] = {};
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared;
    config.stream = stream;
    config.attrs = attributes;
    if (overlap_kernels && !order.alone) {
        cudaLaunchAttribute& attribute = attributes[config.numAttrs++];
        attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
        attribute.val.programmaticStreamSerializationAllowed = 1;
    }
    if (order.cluster > 1) {
        cudaLaunchAttribute& attribute = attributes[config.numAttrs++];
        attribute.id = cudaLaunchAttributeClusterDimension;
        attribute.val.clusterDim.x = order.cluster;
        attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
    }
    return cudaLaunchKernelEx(&config, kernel, Parameters(std::forward<Arguments>(arguments))...);
}

template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                   Arguments&&... arguments) {
    return launch(LaunchOrder{}, kernel, grid, block, shared, stream, std::forward<Arguments>(arguments)...);
}

} // namespace fp4::cuda
