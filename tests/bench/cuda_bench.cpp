// Speed of the CUDA kernels: products of packed weights with a few tokens, beside cuBLAS bf16 and beside
// reading as many bytes and nothing else, in the same run. The weights rotate through more than 200 MB, so
// that no cache holds them. Usage: cuda_bench [--sweep] [ROWSxCOLUMNS...]; with --sweep the best
// cuts of the work are looked for as well.
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "cuda/cuda_backend.h"
#include "cuda/cuda_objects.h"
#include "cuda/kernels/glu.h"
#include "cuda/kernels/matvec.h"
#include "cuda/weight_upload.h"
#include "tests/bench/cublas.h"
#include "tests/bench/cuda_timing.h"
#include "tests/bench/read_memory.h"

using namespace fp4;
using namespace fp4::bench;
using namespace fp4::cuda;

namespace {

constexpr size_t rotated_bytes = size_t(260) << 20;

template <class T>
T expect(Result<T> result) {
    if (result.ok()) return std::move(result).value();
    std::fprintf(stderr, "bench: %s\n", result.error().message.c_str());
    std::exit(1);
}

struct Shape {
    uint32_t rows, cols;
};

// Random codes and scales near 1, enough for the largest weight; every weight starts at its beginning.
struct RandomBytes {
    explicit RandomBytes(size_t bytes) : codes(bytes), mx_scales(bytes / 8), nv_scales(bytes / 8) {
        std::mt19937_64 random(1);
        for (size_t i = 0; i + 8 <= bytes; i += 8) {
            const uint64_t word = random();
            std::memcpy(codes.data() + i, &word, 8);
        }
        for (size_t i = 0; i < mx_scales.size(); ++i) {
            mx_scales[i] = static_cast<uint8_t>(120 + codes[i] % 4);
            nv_scales[i] = static_cast<uint8_t>(40 + codes[i] % 32);
        }
    }
    std::vector<uint8_t> codes, mx_scales, nv_scales;
};

size_t weight_bytes(WeightFormat format, Shape shape) {
    return size_t(shape.rows) * (shape.cols / 2 + shape.cols / (format == WeightFormat::nvfp4 ? 16 : 32));
}

class Bench {
  public:
    Bench() : bytes_(size_t(320) << 20) {
        backend_ = expect(open_cuda_backend());
        cudaDeviceProp properties;
        require(cudaGetDeviceProperties(&properties, 0), "properties");
        processors_ = properties.multiProcessorCount;
        require(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "stream");
        scratch_ = expect(DeviceMemory::create(size_t(64) << 20));
        counters_ = expect(DeviceMemory::create(size_t(1) << 20));
        const DeviceInfo info = backend_->device();
        copy_bandwidth_ = measure_copy();
        read_bandwidth_ = double(rotated_bytes) / read_time(rotated_bytes);
        std::printf("%s, %s; copy %.2f TB/s (bytes read and written), read %.2f TB/s\n", info.name.c_str(),
                    info.details.c_str(), copy_bandwidth_ * 1e-6, read_bandwidth_ * 1e-6);
    }

    void products(Shape shape, bool sweep) {
        for (WeightFormat format : {WeightFormat::mxfp4, WeightFormat::nvfp4}) {
            const size_t bytes = weight_bytes(format, shape);
            const double reading = read_time(bytes);
            std::vector<std::unique_ptr<CudaWeight>> weights;
            const auto& scales = format == WeightFormat::nvfp4 ? bytes_.nv_scales : bytes_.mx_scales;
            const HostWeight host{format,        shape.rows, shape.cols, bytes_.codes.data(),
                                  scales.data(), 1.0f,       {}};
            const std::shared_ptr<WeightUpload> upload = expect(WeightUpload::create());
            for (size_t i = 0; i < rotated_bytes / bytes + 1; ++i)
                weights.push_back(expect(CudaWeight::create(host, *upload)));
            auto input = expect(CudaActivation::create(16, shape.cols));
            fill(*input, shape.cols);
            DeviceMemory out = expect(DeviceMemory::create(size_t(16) * shape.rows * sizeof(float)));
            for (uint32_t n : {1u, 2u, 4u, 8u, 16u}) {
                const uint32_t tiles = (shape.rows + tile_rows - 1) / tile_rows;
                const MatvecPlan plan = plan_matvec(tiles, shape.cols, n, processors_);
                const double time = product(weights, *input, out.as<float>(), n, plan);
                std::printf(
                    "%s %6u x %-6u n %-2u %8.2f us  %5.2f TB/s  %3.0f %% of reading, %3.0f %% of "
                    "reading these bytes (%.2f us), %3.0f %% of copy  (%u k_warps %u row_warps %u "
                    "splits)\n",
                    format == WeightFormat::mxfp4 ? "mxfp4" : "nvfp4", shape.rows, shape.cols, n, time,
                    double(bytes) / time * 1e-6, 100 * double(bytes) / time / read_bandwidth_,
                    100 * reading / time, reading, 100 * double(bytes) / time / copy_bandwidth_, plan.k_warps,
                    plan.row_warps, plan.splits);
                if (sweep && n <= 8) find_best(weights, *input, out.as<float>(), n);
            }
        }
        cublas(shape);
        std::fflush(stdout);
    }

  private:
    double measure_copy() {
        const size_t size = size_t(1) << 30;
        DeviceMemory from = expect(DeviceMemory::create(size)), to = expect(DeviceMemory::create(size));
        // Not in a graph, where copies take another way.
        auto copy = [&] { cudaMemcpyAsync(to.data(), from.data(), size, cudaMemcpyDeviceToDevice, stream_); };
        const double time = milliseconds(stream_, copy) * 1e3;
        return 2.0 * double(size) / time; // bytes per microsecond
    }

    // Microseconds of one of several kernels that read as many bytes each.
    double read_time(size_t bytes) {
        const size_t count = rotated_bytes / bytes + 1;
        DeviceMemory from = expect(DeviceMemory::create(count * bytes));
        require(cudaMemset(from.data(), 0x5A, from.bytes()), "memset");
        return microseconds(stream_, static_cast<int>(count), [&] {
            for (size_t i = 0; i < count; ++i)
                require(launch_read(from.data() + i * bytes, bytes, processors_, counters_.as<unsigned>(),
                                    stream_),
                        "read");
        });
    }

    void fill(CudaActivation& input, uint32_t cols) {
        std::vector<float> values(size_t(16) * cols);
        std::mt19937 random(2);
        std::normal_distribution<float> normal;
        for (float& value : values) value = normal(random);
        DeviceMemory memory = expect(DeviceMemory::create(values.size() * 4));
        require(cudaMemcpy(memory.data(), values.data(), memory.bytes(), cudaMemcpyHostToDevice), "upload");
        require(
            launch_glu(memory.as<float>(), memory.as<float>(), 16, GluKind::silu, {}, input.view(), stream_),
            "glu");
        require(cudaStreamSynchronize(stream_), "glu");
    }

    double product(const std::vector<std::unique_ptr<CudaWeight>>& weights, const CudaActivation& input,
                   float* out, uint32_t n, const MatvecPlan& plan) {
        return microseconds(stream_, static_cast<int>(weights.size()), [&] {
            for (const auto& weight : weights) {
                MatvecView view;
                view.targets[0] = {weight->view(), {nullptr, out, false}};
                view.target_count = 1;
                view.input = input.view();
                view.plan = plan;
                view.scratch = {scratch_.as<float>(), counters_.as<uint32_t>()};
                const uint32_t groups = matvec_groups(view);
                if (matvec_scratch_floats(plan, groups) * 4 > scratch_.bytes()) return;
                view.n = n;
                require(launch_matvec(view, groups, stream_), "matvec");
            }
        });
    }

    void find_best(const std::vector<std::unique_ptr<CudaWeight>>& weights, const CudaActivation& input,
                   float* out, uint32_t n) {
        struct Timed {
            double time;
            MatvecPlan plan;
        };
        std::vector<Timed> all;
        const uint32_t chunks = (weights[0]->view().cols + chunk_columns - 1) / chunk_columns;
        for (uint32_t k : {1u, 2u, 4u, 8u})
            for (uint32_t r : {1u, 2u, 4u})
                for (uint32_t s : {1u, 2u}) {
                    if (k * r > matvec_warps || k * r < 2 || s * k > chunks) continue;
                    all.push_back({product(weights, input, out, n, {k, r, s}), {k, r, s}});
                }
        std::sort(all.begin(), all.end(), [](const Timed& a, const Timed& b) { return a.time < b.time; });
        std::printf("   best:");
        for (size_t i = 0; i < std::min<size_t>(all.size(), 5); ++i)
            std::printf("  %.2f us (%u %u %u)", all[i].time, all[i].plan.k_warps, all[i].plan.row_warps,
                        all[i].plan.splits);
        std::printf("\n");
    }

    void cublas(Shape shape) {
        if (!cublas_.found()) {
            std::printf("cuBLAS was not found\n");
            return;
        }
        const size_t elements = size_t(shape.rows) * shape.cols, count = rotated_bytes / (elements * 2) + 1;
        DeviceMemory weights = expect(DeviceMemory::create(count * elements * 2));
        DeviceMemory x = expect(DeviceMemory::create(size_t(16) * shape.cols * 2));
        DeviceMemory out = expect(DeviceMemory::create(size_t(16) * shape.rows * 2));
        DeviceMemory workspace = expect(DeviceMemory::create(size_t(64) << 20));
        cublas_.use(stream_, workspace.data(), workspace.bytes());
        for (int n : {1, 2, 4, 8, 16}) {
            const double time = microseconds(stream_, static_cast<int>(count), [&] {
                for (size_t i = 0; i < count; ++i) {
                    if (!cublas_.multiply(weights.data() + i * elements * 2, x.data(), out.data(),
                                          static_cast<int>(shape.rows), n, static_cast<int>(shape.cols)))
                        std::exit(1);
                }
            });
            std::printf("cuBLAS bf16 %6u x %-6u n %-2d %8.2f us  %5.2f TB/s\n", shape.rows, shape.cols, n,
                        time, double(elements) * 2 / time * 1e-6);
        }
    }

    RandomBytes bytes_;
    std::shared_ptr<Backend> backend_;
    int processors_ = 0;
    cudaStream_t stream_ = nullptr;
    DeviceMemory scratch_, counters_;
    double copy_bandwidth_ = 0.0, read_bandwidth_ = 0.0; // bytes a microsecond
    Cublas cublas_;
};

} // namespace

int main(int argc, char** argv) {
    bool sweep = false;
    std::vector<Shape> shapes;
    for (int i = 1; i < argc; ++i) {
        Shape shape{};
        if (std::strcmp(argv[i], "--sweep") == 0) {
            sweep = true;
        } else if (std::sscanf(argv[i], "%ux%u", &shape.rows, &shape.cols) == 2) {
            shapes.push_back(shape);
        } else {
            std::fprintf(stderr, "usage: cuda_bench [--sweep] [ROWSxCOLUMNS...]\n");
            return 2;
        }
    }
    if (shapes.empty()) shapes = {{4096, 14336}, {28672, 4096}, {6144, 4096}, {4096, 4096}, {128256, 4096}};
    Bench bench;
    for (const Shape& shape : shapes) bench.products(shape, sweep);
    return 0;
}
