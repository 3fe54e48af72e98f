#include "cuda/cuda_backend.h"

#include "cuda/cuda_stream.h"
#include "cuda/device/launch.h"

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

    Result<std::unique_ptr<Buffer>> allocate(size_t bytes) override {
        FP4_ASSIGN(DeviceMemory memory, DeviceMemory::create(bytes));
        return std::unique_ptr<Buffer>(std::make_unique<CudaBuffer>(std::move(memory)));
    }
    Result<std::unique_ptr<Weight>> load(const HostWeight& weight) override {
        FP4_ASSIGN(auto loaded, CudaWeight::create(weight));
        return std::unique_ptr<Weight>(std::move(loaded));
    }
    Result<std::unique_ptr<Transform>> load(const InputTransform& transform, size_t cols) override {
        FP4_ASSIGN(auto loaded, CudaTransform::create(transform, cols));
        return std::unique_ptr<Transform>(std::move(loaded));
    }
    Result<std::unique_ptr<Activation>> create_activation(size_t max_rows, size_t cols) override {
        FP4_ASSIGN(auto activation, CudaActivation::create(max_rows, cols));
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

  private:
    cudaDeviceProp properties_;
};

} // namespace
} // namespace cuda

Result<std::shared_ptr<Backend>> open_cuda_backend() {
    int count = 0;
    const cudaError_t found = cudaGetDeviceCount(&count);
    cudaGetLastError(); // not a failure of what comes next
    if (found != cudaSuccess) return error(Status::device, "no CUDA device: ", cudaGetErrorString(found));
    if (count == 0) return error(Status::device, "no CUDA device");
    cudaDeviceProp properties;
    FP4_TRY(cuda::check(cudaGetDeviceProperties(&properties, 0), "read the properties of device 0"));
    if (properties.major < 8) {
        return error(Status::unsupported, "CUDA: ", properties.name, " has compute capability ",
                     properties.major, '.', properties.minor, "; 8.0 or higher is needed");
    }
    FP4_TRY(cuda::check(cudaSetDevice(0), "use ", properties.name));
    cuda::overlap_kernels = properties.major >= 9;
    cuda::block_scaled_products = properties.major == 12;
    return std::shared_ptr<Backend>(std::make_shared<cuda::CudaBackend>(properties));
}

} // namespace fp4
