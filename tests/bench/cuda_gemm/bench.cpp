// Times of the matrix kernels beside cuBLAS bf16 in the same run. Weights rotate through more than the L2
// holds.
#include <algorithm>
#include <functional>
#include <random>
#include <string>

#include "cuda/gemm/fp4_layout.h"
#include "cuda/gemm/gemm.h"
#include "tests/bench/cublas.h"
#include "tests/bench/cuda_gemm/device_memory.h"

using namespace fp4;
using namespace fp4::cuda;

namespace {

// Median microseconds of a call; `call` gets the number of the round.
double time_of(const std::function<void(int)>& call) {
    for (int i = 0; i < 3; ++i) call(i);
    check(cudaDeviceSynchronize(), "warm-up");
    cudaEvent_t start, stop;
    check(cudaEventCreate(&start), "event");
    check(cudaEventCreate(&stop), "event");
    std::vector<double> times;
    constexpr int calls = 8;
    for (int i = 0; i < 9; ++i) {
        check(cudaEventRecord(start), "record");
        for (int j = 0; j < calls; ++j) call(i * calls + j);
        check(cudaEventRecord(stop), "record");
        check(cudaEventSynchronize(stop), "run");
        float ms = 0;
        check(cudaEventElapsedTime(&ms, start, stop), "time");
        times.push_back(1e3 * ms / calls);
    }
    cudaEventDestroy(start);
    cudaEventDestroy(stop);
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

std::vector<uint8_t> random_bytes(size_t count, unsigned low, unsigned range) {
    static std::mt19937 random(1);
    std::vector<uint8_t> bytes(count);
    uint64_t state = random();
    for (uint8_t& byte : bytes) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        byte = static_cast<uint8_t>(low + (state >> 33) % range);
    }
    return bytes;
}
std::vector<uint16_t> random_words(size_t count, bool bf16) {
    std::vector<uint8_t> noise = random_bytes(count, 0, 256);
    std::vector<uint16_t> words(count);
    for (size_t i = 0; i < count; ++i) // around +-1, one of 128 mantissas
        words[i] = static_cast<uint16_t>(
            (noise[i] & 0x80) << 8 | (bf16 ? 0x3F80 | (noise[i] & 0x7F) : 0x3C00 | (noise[i] & 0x7F) << 3));
    return words;
}

struct Shape {
    size_t n, k;
};

void bench_shape(const Shape& shape, const std::vector<size_t>& tokens, fp4::bench::Cublas& cublas,
                 bool w4a4) {
    const size_t n = shape.n, k = shape.k, most = tokens.back();
    const size_t copies = std::max<size_t>(1, 220000000 / (n * k / 2) + 1),
                 bf16_copies = std::max<size_t>(1, 220000000 / (n * k * 2) + 1);
    const DeviceArray<uint16_t> half(random_words(half_bytes(most, k) / 2, false));
    const DeviceArray<uint8_t> tokens8(random_bytes(e4m3_bytes(most, k), 0x28, 0x20)); // 0.25 to 4
    const DeviceArray<uint8_t> x_codes(
        random_bytes(most * code_row_bytes(BlockFormat::mxfp8_e4m3, k), 0, 256));
    const DeviceArray<float> out(most * n), workspace((size_t(32) << 20) / 4);
    struct Weights {
        DeviceArray<uint8_t> codes, mx_scales, nv_scales, mx_rows, nv_rows;
    };
    std::vector<Weights> weights;
    const auto codes = random_bytes(weight_code_bytes(n, k), 0, 256);
    for (size_t i = 0; i < copies; ++i) {
        weights.push_back(
            {DeviceArray<uint8_t>(codes),
             DeviceArray<uint8_t>(random_bytes(weight_scale_bytes(BlockFormat::mxfp4, n, k), 120, 8)),
             DeviceArray<uint8_t>(random_bytes(weight_scale_bytes(BlockFormat::nvfp4, n, k), 40, 20)),
             DeviceArray<uint8_t>(n * w4_row_bytes), DeviceArray<uint8_t>(n * w4_row_bytes)});
        const Weights& w = weights.back();
        check(prepare_w4a16(BlockFormat::mxfp4, w.mx_scales.get(), n, k, 1.0f,
                            reinterpret_cast<W4Row*>(w.mx_rows.get()), nullptr),
              "prepare");
        check(prepare_w4a16(BlockFormat::nvfp4, w.nv_scales.get(), n, k, 1.0f,
                            reinterpret_cast<W4Row*>(w.nv_rows.get()), nullptr),
              "prepare");
    }
    const DeviceArray<uint8_t> x_mx(random_bytes(scale_bytes(BlockFormat::mxfp4, most, k), 120, 8)),
        x_nv(random_bytes(scale_bytes(BlockFormat::nvfp4, most, k), 40, 20));
    std::vector<DeviceArray<uint16_t>> dense;
    if (cublas.found())
        for (size_t i = 0; i < bf16_copies; ++i) dense.emplace_back(random_words(n * k, true));
    const DeviceArray<uint16_t> dense_x(random_words(most * k, true)), dense_out(most * n);

    cudaDeviceProp properties;
    check(cudaGetDeviceProperties(&properties, 0), "device");
    const bool hopper = properties.major == 9;
    for (size_t m : tokens) {
        std::printf("%6zu x %5zu  M %5zu", n, k, m);
        const double work = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
        auto print = [&](const char* name, double us) {
            std::printf("  %s %7.1f us %4.0f TF", name, us, work / us / 1e6);
        };
        for (BlockFormat format : {BlockFormat::mxfp4, BlockFormat::nvfp4}) {
            const bool mx = format == BlockFormat::mxfp4;
            auto run_w4a16 = [&](int round, auto function, bool e4m3 = false) {
                const Weights& w = weights[static_cast<size_t>(round) % copies];
                GemmW4A16 gemm;
                gemm.format = format;
                gemm.m = m, gemm.k = k;
                gemm.element = e4m3 ? PanelElement::e4m3 : PanelElement::f16;
                gemm.x = e4m3 ? tokens8.get() : reinterpret_cast<const uint8_t*>(half.get());
                gemm.panel_rows = most;
                gemm.weights[0] = {{w.codes.get(), (mx ? w.mx_scales : w.nv_scales).get()},
                                   reinterpret_cast<const W4Row*>((mx ? w.mx_rows : w.nv_rows).get()),
                                   n,
                                   {nullptr, out.get(), false}};
                gemm.workspace = workspace.get(), gemm.workspace_bytes = workspace.count() * 4;
                check(function(gemm, nullptr), "w4a16");
            };
            print(mx ? "mx16" : "nv16", time_of([&](int round) { run_w4a16(round, gemm_w4a16); }));
            print("mma", time_of([&](int round) { run_w4a16(round, gemm_w4a16_mma); }));
            if (w4a4)
                print("w4a4", time_of([&](int round) {
                          const Weights& w = weights[static_cast<size_t>(round) % copies];
                          GemmW4A4 gemm;
                          gemm.format = format;
                          gemm.m = m, gemm.n = n, gemm.k = k;
                          gemm.x = {x_codes.get(), (mx ? x_mx : x_nv).get()};
                          gemm.w = {w.codes.get(), (mx ? w.mx_scales : w.nv_scales).get()};
                          gemm.output.out = out.get();
                          check(gemm_w4a4(gemm, nullptr), "w4a4");
                      }));
            if (mx && hopper) print("fp8", time_of([&](int round) { run_w4a16(round, gemm_w4a16, true); }));
        }
        if (cublas.found())
            print("cublas", time_of([&](int round) {
                      cublas.multiply(dense[static_cast<size_t>(round) % bf16_copies].get(), dense_x.get(),
                                      dense_out.get(), static_cast<int>(n), static_cast<int>(m),
                                      static_cast<int>(k));
                  }));
        std::printf("\n");
    }
}

} // namespace

int main(int count, char** arguments) {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    const bool w4a4 = count > 1 && std::string(arguments[1]) == "w4a4";
    fp4::bench::Cublas cublas;
    if (!cublas.found()) std::printf("cuBLAS not found\n");
    for (const Shape& shape : {Shape{4096, 4096}, {6144, 4096}, {28672, 4096}, {4096, 14336}})
        bench_shape(shape, {16, 64, 128, 256, 512, 1024, 2048, 4096}, cublas, w4a4);
    return 0;
}
