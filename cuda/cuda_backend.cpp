#include "cuda/cuda_backend.h"

#include "cuda/cuda_stream.h"
#include "cuda/device/launch.h"
#include "cuda/weight_upload.h"
#include "cuda/work_memory.h"

namespace fp4 {
namespace cuda {
namespace {

class CudaBackend final : public Backend {
  public:
    explicit CudaBackend(const cudaDeviceProp& properties) : properties_(properties) {}

    DeviceInfo device() const override {
        int driver = 0;
        cudaDriverGetVersion(&driver);
        size_t free = 0, total = 0;
        cudaMemGetInfo(&free, &total);
        return {"cuda:0", properties_.name,
                concat("compute capability ", properties_.major, '.', properties_.minor, ", ",
                       properties_.multiProcessorCount, " multiprocessors, driver for CUDA ", driver / 1000,
                       '.', driver % 1000 / 10),
                total, free};
    }

    Result<void> usable() const override { return device_alive(); }
    MemoryAccount& memory() const override { return device_account(); }
    uint64_t weight_bytes(WeightFormat format, size_t rows, size_t cols) const override {
        return CudaWeight::bytes(format, rows, cols);
    }
    uint64_t activation_bytes(size_t max_rows, size_t cols) const override {
        return CudaActivation::bytes(max_rows, cols);
    }
    uint64_t stream_bytes(const StreamConfig&, const StreamWork& work) const override {
        return CudaStream::fixed_bytes + work_memory(work, properties_.multiProcessorCount).bytes();
    }

    uint32_t default_chunk() const override { return 512; }

    Result<std::shared_ptr<void>> begin_loading() override {
        FP4_ASSIGN(std::shared_ptr<WeightUpload> loading, upload());
        return std::shared_ptr<void>(std::move(loading));
    }
    Result<std::unique_ptr<Buffer>> allocate(size_t bytes) override {
        FP4_ASSIGN(DeviceMemory memory, DeviceMemory::create(bytes));
        return std::unique_ptr<Buffer>(std::make_unique<CudaBuffer>(std::move(memory)));
    }
    Result<std::unique_ptr<Weight>> load(const HostWeight& weight) override {
        FP4_ASSIGN(const std::shared_ptr<WeightUpload> loading, upload());
        FP4_ASSIGN(auto loaded, CudaWeight::create(weight, *loading));
        return std::unique_ptr<Weight>(std::move(loaded));
    }
    Result<std::unique_ptr<Transform>> load(const InputTransform& transform, size_t cols) override {
        FP4_ASSIGN(auto loaded, CudaTransform::create(transform, cols));
        return std::unique_ptr<Transform>(std::move(loaded));
    }
    Result<std::unique_ptr<Activation>> create_activation(size_t max_rows, size_t cols,
                                                          std::span<const Weight* const> readers) override {
        FP4_ASSIGN(auto activation, CudaActivation::create(max_rows, cols, readers));
        return std::unique_ptr<Activation>(std::move(activation));
    }
    Result<std::unique_ptr<KvCache>> create_kv_cache(const KvShape& shape) override {
        FP4_ASSIGN(auto cache, CudaKvCache::create(shape));
        return std::unique_ptr<KvCache>(std::move(cache));
    }
    Result<std::unique_ptr<Stream>> create_stream(const StreamConfig& config) override {
        FP4_ASSIGN(auto stream, CudaStream::create(config, properties_.multiProcessorCount));
        return std::unique_ptr<Stream>(std::move(stream));
    }

    Support linear_support(WeightFormat weight, ActivationFormat activation) const override {
        const bool fast_weight =
            !is_block(weight) || weight == WeightFormat::mxfp4 || weight == WeightFormat::nvfp4;
        return {true, fast_weight && activation.kind == ActivationFormat::Kind::a16};
    }

    ScaleRule e4m3_rule() const override { return e4m3_products ? ScaleRule::tensor : ScaleRule::ceil; }

  private:
    // That of the loads under way, or a new one.
    Result<std::shared_ptr<WeightUpload>> upload() {
        std::lock_guard lock(mutex_);
        std::shared_ptr<WeightUpload> shared = upload_.lock();
        if (shared) return shared;
        FP4_ASSIGN(shared, WeightUpload::create());
        upload_ = shared;
        return shared;
    }

    cudaDeviceProp properties_;
    std::mutex mutex_;
    std::weak_ptr<WeightUpload> upload_;
};

} // namespace
} // namespace cuda

Result<std::shared_ptr<Backend>> open_cuda_backend() {
    int count = 0;
    const cudaError_t found = cudaGetDeviceCount(&count);
    cudaGetLastError(); // not a failure of what comes next
    if (found != cudaSuccess || count == 0) {
        int driver = 0;
        cudaDriverGetVersion(&driver);
        return cuda::no_device(found, driver);
    }
    cudaDeviceProp properties;
    FP4_TRY(cuda::check(cudaGetDeviceProperties(&properties, 0), "read the properties of device 0"));
    if (properties.major < 8) {
        return error(Status::unsupported, "CUDA: ", properties.name, " has compute capability ",
                     properties.major, '.', properties.minor, "; 8.0 or higher is needed");
    }
    FP4_TRY(cuda::check(cudaSetDevice(0), "use ", properties.name));
    cuda::overlap_kernels = properties.major >= 9;
    cuda::block_scaled_products = properties.major == 12;
    cuda::e4m3_products = properties.major == 9;
    return std::shared_ptr<Backend>(std::make_shared<cuda::CudaBackend>(properties));
}

} // namespace fp4
