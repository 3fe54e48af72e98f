// The functions of CUDA's run time that the library calls, on the simulated GPU. Streams do their work at
// once, in the order of the calls; a graph is a list of what was captured.
#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstring>
#include <utility>

#include "tests/gpu_simulator/device.h"
#include "tests/gpu_simulator/fault.h"

using namespace fp4::gpu_simulator;

using Work = std::function<cudaError_t()>;

struct CUgraph_st {
    std::vector<Work> works;
};
struct CUgraphExec_st {
    std::vector<Work> works;
};
struct CUstream_st {
    std::unique_ptr<CUgraph_st> captured; // while it captures
};
struct CUevent_st {};

namespace {

cudaError_t last_error = cudaSuccess;

cudaError_t result(cudaError_t code) {
    if (code != cudaSuccess) last_error = code;
    return code;
}

// What was started before is done.
void finish_kernels(Device& device) {
    device.memory.unfinished = device.memory.kernel + 1;
}

cudaError_t enqueue(cudaStream_t stream, Work work) {
    std::lock_guard lock(Device::get().mutex);
    if (stream && stream->captured) {
        stream->captured->works.push_back(std::move(work));
        return cudaSuccess;
    }
    return result(work());
}

// Work of the host's copy engine: starts when kernels before it are done.
template <class F>
cudaError_t enqueue_copy(cudaStream_t stream, F copy) {
    return enqueue(stream, [copy] {
        Device& device = Device::get();
        if (device.failed) return cudaErrorIllegalAddress;
        finish_kernels(device);
        copy();
        return cudaSuccess;
    });
}

bool is_device(Device& device, const void* data, size_t bytes) {
    return device.memory.find(static_cast<const uint8_t*>(data), bytes, nullptr) != nullptr;
}

// Device memory that a copy names must exist.
bool valid_copy(const void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    Device& device = Device::get();
    if (bytes == 0) return true;
    if ((kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) && !is_device(device, to, bytes))
        return false;
    return !(kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice) ||
           is_device(device, from, bytes);
}

cudaError_t run_kernel(const Launch& launch) {
    Device& device = Device::get();
    if (device.failed) return cudaErrorIllegalAddress;
    ++device.memory.kernel;
    if (!launch.overlaps) device.memory.unfinished = device.memory.kernel;
    try {
        run_grid(launch, device.memory);
        return cudaSuccess;
    } catch (const Fault& fault) {
        std::fprintf(stderr, "simulated GPU: %s\n", fault.what());
        device.failed = true;
        return cudaErrorIllegalAddress;
    }
}

size_t volume(const Dim& dim) {
    return size_t(dim.x) * dim.y * dim.z;
}

} // namespace

extern "C" {

void** __cudaRegisterFatBinary(void* wrapper) {
    // magic, version, the container, unused
    void** handle = new void*;
    std::memcpy(handle, static_cast<const uint8_t*>(wrapper) + 8, sizeof *handle);
    return handle;
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void** handle) {
    delete handle;
}
void __cudaRegisterFunction(void** handle, const char* host_function, char*, const char* name, int, uint3*,
                            uint3*, dim3*, dim3*, int*) {
    Device::get().add_kernel(host_function, *handle, name);
}
char __cudaInitModule(void**) {
    return 1;
}

// Behind kernel<<<...>>>, which the library does not use.
cudaError_t __cudaGetKernel(cudaKernel_t*, const void*) {
    return cudaSuccess;
}
cudaError_t __cudaLaunchKernel(cudaKernel_t, dim3, dim3, void**, size_t, cudaStream_t) {
    return result(cudaErrorNotSupported);
}
cudaError_t __cudaPopCallConfiguration(dim3*, dim3*, size_t*, void*) {
    return result(cudaErrorNotSupported);
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* host_function,
                                void** arguments) {
    Device& device = Device::get();
    std::lock_guard lock(device.mutex);
    Launch launch;
    try {
        launch.kernel = &device.kernel(host_function);
    } catch (const Fault& fault) {
        std::fprintf(stderr, "simulated GPU: %s\n", fault.what());
        return result(cudaErrorInvalidDeviceFunction);
    }
    const Function& kernel = *launch.kernel;
    launch.grid = {config->gridDim.x, config->gridDim.y, config->gridDim.z};
    launch.block = {config->blockDim.x, config->blockDim.y, config->blockDim.z};
    launch.dynamic_shared = config->dynamicSmemBytes;
    for (unsigned i = 0; i < config->numAttrs; ++i) {
        const cudaLaunchAttribute& attribute = config->attrs[i];
        if (attribute.id == cudaLaunchAttributeProgrammaticStreamSerialization)
            launch.overlaps = attribute.val.programmaticStreamSerializationAllowed;
        else if (attribute.id == cudaLaunchAttributeClusterDimension)
            launch.cluster = attribute.val.clusterDim.x;
        else
            return result(cudaErrorNotSupported);
    }
    if ((launch.overlaps || launch.cluster > 1) && device.major() < 9) return result(cudaErrorNotSupported);
    const auto raised = device.dynamic_limit.find(&kernel);
    const size_t most =
        raised == device.dynamic_limit.end() ? 48 * 1024 - kernel.static_shared : raised->second;
    if (volume(launch.grid) == 0 || volume(launch.block) == 0 || volume(launch.block) > kernel.max_threads ||
        launch.grid.y > 65535 || launch.grid.z > 65535 || launch.cluster > 8 ||
        launch.grid.x % launch.cluster)
        return result(cudaErrorInvalidConfiguration);
    if (launch.dynamic_shared > most) return result(cudaErrorInvalidValue);
    auto parameters = std::make_shared<std::vector<uint8_t>>(kernel.parameter_bytes);
    for (size_t i = 0; i < kernel.parameters.size(); ++i)
        std::memcpy(parameters->data() + kernel.parameters[i].offset, arguments[i],
                    kernel.parameters[i].bytes);
    return enqueue(config->stream, [launch, parameters]() mutable {
        launch.parameters = *parameters;
        return run_kernel(launch);
    });
}

cudaError_t cudaFuncSetAttribute(const void* host_function, cudaFuncAttribute attribute, int value) {
    Device& device = Device::get();
    std::lock_guard lock(device.mutex);
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return result(cudaErrorNotSupported);
    try {
        const Function& kernel = device.kernel(host_function);
        if (value < 0 || kernel.static_shared + value > device.shared_limit())
            return result(cudaErrorInvalidValue);
        device.dynamic_limit[&kernel] = value;
        return cudaSuccess;
    } catch (const Fault& fault) {
        std::fprintf(stderr, "simulated GPU: %s\n", fault.what());
        return result(cudaErrorInvalidDeviceFunction);
    }
}

cudaError_t cudaGetDeviceCount(int* count) {
    *count = 1;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
    return result(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t cudaDriverGetVersion(int* version) {
    *version = CUDART_VERSION;
    return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
    const Device& device = Device::get();
    *properties = {};
    std::snprintf(properties->name, sizeof properties->name, "simulated GPU");
    properties->major = device.major();
    properties->minor = device.minor();
    properties->multiProcessorCount = 4;
    properties->totalGlobalMem = device.memory.total();
    properties->sharedMemPerBlockOptin = device.shared_limit();
    return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
    cudaDeviceProp properties;
    cudaGetDeviceProperties(&properties, 0);
    switch (attribute) {
        case cudaDevAttrMultiProcessorCount:
            *value = properties.multiProcessorCount;
            return cudaSuccess;
        case cudaDevAttrComputeCapabilityMajor:
            *value = properties.major;
            return cudaSuccess;
        case cudaDevAttrComputeCapabilityMinor:
            *value = properties.minor;
            return cudaSuccess;
        default:
            return result(cudaErrorNotSupported);
    }
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
    Device& device = Device::get();
    std::lock_guard lock(device.mutex);
    *free = device.memory.free();
    *total = device.memory.total();
    return cudaSuccess;
}
cudaError_t cudaGetLastError() {
    return std::exchange(last_error, cudaSuccess);
}
const char* cudaGetErrorString(cudaError_t code) {
    return code == cudaSuccess                     ? "no error"
           : code == cudaErrorMemoryAllocation     ? "out of memory"
           : code == cudaErrorIllegalAddress       ? "an illegal memory access was encountered"
           : code == cudaErrorInvalidValue         ? "invalid argument"
           : code == cudaErrorInvalidConfiguration ? "invalid configuration argument"
                                                   : "an error of the simulated GPU";
}

cudaError_t cudaMalloc(void** data, size_t bytes) {
    Device& device = Device::get();
    std::lock_guard lock(device.mutex);
    *data = device.memory.allocate(bytes);
    return result(*data ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t cudaFree(void* data) {
    Device& device = Device::get();
    std::lock_guard lock(device.mutex);
    return result(!data || device.memory.release(data) ? cudaSuccess : cudaErrorInvalidValue);
}
cudaError_t cudaHostAlloc(void** data, size_t bytes, unsigned) {
    Device& device = Device::get();
    std::lock_guard lock(device.mutex);
    *data = std::malloc(bytes);
    if (!*data) return result(cudaErrorMemoryAllocation);
    device.memory.add(*data, bytes);
    return cudaSuccess;
}
cudaError_t cudaFreeHost(void* data) {
    Device& device = Device::get();
    std::lock_guard lock(device.mutex);
    device.memory.remove(data);
    std::free(data);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
    std::lock_guard lock(Device::get().mutex);
    if (!valid_copy(to, from, bytes, kind)) return result(cudaErrorInvalidValue);
    return enqueue_copy(stream, [=] { std::memcpy(to, from, bytes); });
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    return cudaMemcpyAsync(to, from, bytes, kind, nullptr);
}
cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                              size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
    std::lock_guard lock(Device::get().mutex);
    if (width > to_pitch || width > from_pitch) return result(cudaErrorInvalidPitchValue);
    if (height == 0) return cudaSuccess;
    if (!valid_copy(to, from, width, kind) ||
        !valid_copy(static_cast<uint8_t*>(to) + (height - 1) * to_pitch,
                    static_cast<const uint8_t*>(from) + (height - 1) * from_pitch, width, kind))
        return result(cudaErrorInvalidValue);
    return enqueue_copy(stream, [=] {
        for (size_t row = 0; row < height; ++row)
            std::memcpy(static_cast<uint8_t*>(to) + row * to_pitch,
                        static_cast<const uint8_t*>(from) + row * from_pitch, width);
    });
}
cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t stream) {
    std::lock_guard lock(Device::get().mutex);
    if (!valid_copy(data, nullptr, bytes, cudaMemcpyHostToDevice)) return result(cudaErrorInvalidValue);
    return enqueue_copy(stream, [=] { std::memset(data, value, bytes); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
    *stream = new CUstream_st;
    return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
    return cudaStreamCreateWithFlags(stream, flags);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    delete stream;
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) {
    Device& device = Device::get();
    std::lock_guard lock(device.mutex);
    finish_kernels(device);
    return result(device.failed ? cudaErrorIllegalAddress : cudaSuccess);
}
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    if (!stream || stream->captured) return result(cudaErrorIllegalState);
    stream->captured = std::make_unique<CUgraph_st>();
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    if (!stream || !stream->captured) return result(cudaErrorIllegalState);
    *graph = stream->captured.release();
    return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* made, cudaGraph_t graph, unsigned long long) {
    *made = new CUgraphExec_st{graph->works};
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
    return enqueue(stream, [graph] {
        finish_kernels(Device::get());
        for (const Work& work : graph->works)
            if (const cudaError_t code = work(); code != cudaSuccess) return code;
        return cudaSuccess;
    });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
    *event = new CUevent_st;
    return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t stream) {
    return enqueue(stream, [] { return cudaSuccess; });
}
cudaError_t cudaEventSynchronize(cudaEvent_t) {
    return cudaStreamSynchronize(nullptr);
}

} // extern "C"
