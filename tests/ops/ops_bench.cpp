// Speed of the main kernels through the backend interface: linear() for each path and token count, the ops
// around it, and decode attention. Beside each linear: the time the machine needs just to read the weights
// (its floor). Usage: ops_bench [threads] [level: scalar|avx2|avx512|avx512-vnni] [filter]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "libfp4/cpu/cpu_backend.h"
#include "libfp4/engine/object_checks.h"
#include "random_weight.h"
#include "rig.h"

using namespace fp4;
using namespace fp4::ops;

namespace {

// With one thread the processor time of that thread is measured, so that other programs disturb less.
bool single_thread = false;

double now() {
    if (single_thread) {
        timespec time;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Best of several runs of about 30 ms each: the machine may be shared.
template <class Body>
double best_seconds(Body&& body) {
    body();
    double best = 1e9;
    for (int round = 0; round < 5; ++round) {
        int calls = 0;
        double start = now(), elapsed = 0.0;
        do {
            body();
            ++calls;
            elapsed = now() - start;
        } while (elapsed < 0.03);
        best = std::min(best, elapsed / calls);
    }
    return best;
}

// Bytes per second at which all threads together read memory that is in no cache.
double memory_bandwidth(int threads) {
    size_t bytes = size_t(768) << 20;
    std::vector<uint64_t> data(bytes / 8, 1);
    auto pool = ThreadPool::create(threads, ThreadPriority::normal);
    if (!pool.ok()) return 0.0;
    std::vector<uint64_t> sums(static_cast<size_t>((*pool)->threads()) * 16);
    double best = 0.0;
    for (int round = 0; round < 5; ++round) {
        double start = now();
        (*pool)->parallel_for(64, [&](size_t part, size_t worker) {
            uint64_t sum = 0;
            size_t count = data.size() / 64;
            for (size_t i = part * count; i < (part + 1) * count; ++i) sum += data[i];
            sums[worker * 16] += sum;
        });
        best = std::max(best, static_cast<double>(bytes) / (now() - start));
    }
    return best;
}

struct Shape {
    size_t rows, cols;
};

// Enough copies of the weight that a pass over them leaves the caches, as a model's layers do.
void bench_linear(Rig& rig, double bandwidth, const char* path, WeightFormat weight, ActivationFormat format,
                  Shape shape, size_t n) {
    Random random(7);
    RandomWeight one = random_weight(weight, shape.rows, shape.cols, random);
    size_t bytes = shape.rows * weight_row_bytes(weight, shape.cols) +
                   (is_block(weight) ? shape.rows * row_scales(to_block(weight), shape.cols) : 0);
    size_t copies = n >= 64 ? 1 : std::clamp<size_t>((size_t(512) << 20) / bytes, 1, 64);
    std::vector<std::unique_ptr<Weight>> weights;
    HostWeight copied = one.host;
    copied.owner = nullptr; // every load makes its own copy
    for (size_t i = 0; i < copies; ++i) weights.push_back(rig.load(copied));
    auto input = rig.exact_activation(random.normals(n * shape.cols), n, shape.cols, format);
    auto out = rig.buffer(n * shape.rows);
    size_t next = 0;
    double seconds = best_seconds([&] {
        LinearTarget target{weights[next++ % copies].get(), nullptr, out.get(), false};
        rig.stream().linear(*input, n, {&target, 1});
    });
    double floor = static_cast<double>(bytes) / bandwidth;
    double operations = 2.0 * static_cast<double>(n * shape.rows * shape.cols);
    std::printf("%-18s %5zu x %-5zu n %-4zu %9.1f us %8.2f GB/s %8.1f GFLOP/s  floor %8.1f us (%3.0f %%)\n",
                path, shape.rows, shape.cols, n, seconds * 1e6, static_cast<double>(bytes) / seconds * 1e-9,
                operations / seconds * 1e-9, floor * 1e6, 100 * floor / seconds);
}

void bench_attention(Rig& rig, size_t n, size_t position) {
    HeadShape shape{9, 3, 64};
    Random random(8);
    auto cache = rig.kv_cache({1, position + n, shape.kv_heads, shape.head_dim});
    auto q = rig.upload(random.normals(n * 576));
    auto out = rig.activation(n, 576);
    AttentionParams params{shape, 0.125f, 0};
    double seconds = best_seconds([&] {
        rig.stream().attention(*q, n, position, params, *cache, 0, nullptr, {ActivationFormat::Kind::mxint8},
                               *out);
    });
    double pairs = static_cast<double>(n) * (static_cast<double>(position) + static_cast<double>(n + 1) / 2);
    std::printf("%-18s %5zu tokens at %-5zu  %9.1f us %28.1f GFLOP/s\n", "attention 9/3x64", n, position,
                seconds * 1e6, pairs * 576 * 4 / seconds * 1e-9);
}

void bench_rows(Rig& rig, size_t n, size_t cols, ActivationFormat format, const char* name) {
    Random random(9);
    auto x = rig.upload(random.normals(n * cols)), y = rig.upload(random.normals(n * cols));
    auto weight = rig.vector(random.normals(cols));
    InputTransform hadamard{InputTransform::Kind::hadamard, 32, {}, {}};
    auto transform = rig.load(hadamard, cols);
    auto out = rig.activation(n, cols);
    double norm = best_seconds([&] {
        rig.stream().norm(*x, 0, n, {weight.get(), 1e-6f}, transform.get(), format, *out);
    });
    double glu =
        best_seconds([&] { rig.stream().glu(*x, *y, n, GluKind::silu, transform.get(), format, *out); });
    std::printf("%-18s n %-4zu width %-6zu norm + hadamard %7.2f us, glu + hadamard %7.2f us per token\n",
                name, n, cols, norm / static_cast<double>(n) * 1e6, glu / static_cast<double>(n) * 1e6);
}

} // namespace

int main(int argc, char** argv) {
    int threads = argc > 1 ? std::atoi(argv[1]) : 2;
    single_thread = threads == 1;
    CpuLevel level = CpuLevel::avx512_vnni;
    for (CpuLevel candidate : available_cpu_levels())
        if (argc > 2 && std::strcmp(argv[2], cpu_level_name(candidate)) == 0) level = candidate;
    const char* filter = argc > 3 ? argv[3] : "";
    auto backend = create_cpu_backend(level);
    if (!backend.ok()) return 1;
    DeviceInfo info = (*backend)->device();
    double bandwidth = memory_bandwidth(threads);
    std::printf("%s, %s, %d threads, memory read %.1f GB/s\n", info.name.c_str(), info.details.c_str(),
                threads, bandwidth * 1e-9);
    Rig rig(*backend, threads);

    using Kind = ActivationFormat::Kind;
    struct Path {
        const char* name;
        WeightFormat weight;
        ActivationFormat activation;
    };
    const Path paths[] = {{"mxfp4 W4A8", WeightFormat::mxfp4, {Kind::mxint8}},
                          {"mxfp4 W4A4", WeightFormat::mxfp4, {Kind::mxfp4}},
                          {"nvfp4 W4A8", WeightFormat::nvfp4, {Kind::mxint8}},
                          {"nvfp4 W4A4", WeightFormat::nvfp4, {Kind::nvfp4}},
                          {"mxfp4 W4A16", WeightFormat::mxfp4, {Kind::a16}},
                          {"nvfp4 W4A16", WeightFormat::nvfp4, {Kind::a16}},
                          {"bf16 W16A16", WeightFormat::bf16, {Kind::a16}},
                          {"f16 W16A16", WeightFormat::f16, {Kind::a16}},
                          {"f32 W16A16", WeightFormat::f32, {Kind::a16}},
                          {"mxfp8-e4m3 A16", WeightFormat::mxfp8_e4m3, {Kind::a16}},
                          {"mxfp6-e2m3 A16", WeightFormat::mxfp6_e2m3, {Kind::a16}},
                          {"mxint8 W8A8", WeightFormat::mxint8, {Kind::mxint8}},
                          {"mxint8 A16", WeightFormat::mxint8, {Kind::a16}}};
    for (const Path& path : paths) {
        if (!std::strstr(path.name, filter)) continue;
        for (Shape shape : {Shape{1536, 576}, Shape{4096, 4096}})
            for (size_t n : {1, 8, 128})
                bench_linear(rig, bandwidth, path.name, path.weight, path.activation, shape, n);
    }
    if (std::strstr("attention", filter)) {
        for (size_t position : {128, 1024, 8192}) bench_attention(rig, 1, position);
        bench_attention(rig, 512, 0);
    }
    if (std::strstr("rows", filter)) {
        for (size_t n : {1, 128}) {
            bench_rows(rig, n, 576, {Kind::mxint8}, "rows mxint8");
            bench_rows(rig, n, 1536, {Kind::mxint8}, "rows mxint8");
            bench_rows(rig, n, 1536, {Kind::nvfp4}, "rows nvfp4");
            bench_rows(rig, n, 1536, {Kind::a16}, "rows a16");
        }
    }
    return 0;
}
