// The first thing to run on a GPU with block-scaled FP4 instructions: each instruction, with every selector,
// against its bit model on the same GPU. First with one nonzero element or one raised scale at a time, so
// that a wrong layout is named, then with random operands, bit by bit. On other GPUs the fast emulation is
// compared instead, within its tolerance.
#include <cuda_runtime.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "cuda/mma/mma_fp4.h"

namespace fp4::cuda {
namespace {

struct Lane {
    uint32_t a[4], b[2], scales_a, scales_b;
    float c[4];
};
struct Problem {
    Lane lanes[32];
};
struct Results {
    float tested[32][4], model[32][4];
};

template <BlockFormat format, int byte_a, int thread_a, int byte_b, int thread_b>
__global__ void fp4_probe(const Problem* problems, Results* results, int* native) {
    const Lane& lane = problems[blockIdx.x].lanes[threadIdx.x];
    float tested[4], model[4];
    for (int j = 0; j < 4; ++j) tested[j] = model[j] = lane.c[j];
    mma_fp4<format, Emulation::fast, byte_a, thread_a, byte_b, thread_b>(tested, lane.a, lane.b,
                                                                         lane.scales_a, lane.scales_b);
    mma_fp4_exact<format, byte_a, thread_a, byte_b, thread_b>(model, lane.a, lane.b, lane.scales_a,
                                                              lane.scales_b);
    for (int j = 0; j < 4; ++j) {
        results[blockIdx.x].tested[threadIdx.x][j] = tested[j];
        results[blockIdx.x].model[threadIdx.x][j] = model[j];
    }
    if (threadIdx.x == 0) *native = has_block_scaled_mma;
}

template <int byte_a, int thread_a, int byte_b, int thread_b>
__global__ void e4m3_probe(const Problem* problems, Results* results, int* native) {
    const Lane& lane = problems[blockIdx.x].lanes[threadIdx.x];
    float tested[4], model[4];
    for (int j = 0; j < 4; ++j) tested[j] = model[j] = lane.c[j];
    mma_e2m1_e4m3<byte_a, thread_a, byte_b, thread_b>(tested, lane.a, lane.b, lane.scales_a, lane.scales_b);
    mma_e2m1_e4m3_fast<byte_a, thread_a, byte_b, thread_b>(model, lane.a, lane.b, lane.scales_a,
                                                           lane.scales_b);
    for (int j = 0; j < 4; ++j) {
        results[blockIdx.x].tested[threadIdx.x][j] = tested[j];
        results[blockIdx.x].model[threadIdx.x][j] = model[j];
    }
    if (threadIdx.x == 0) *native = has_block_scaled_mma;
}

using Kernel = void (*)(const Problem*, Results*, int*);

enum class Kind { mxfp4, nvfp4, e2m1_e4m3 };

struct Case {
    Problem problem;
    std::string name;
};

// Operands of ones (codes 2, E4M3 0x38) with unit scales.
uint32_t one_word(Kind kind, bool left) {
    if (kind == Kind::e2m1_e4m3) return left ? 0x08080808u : 0x38383838u;
    return 0x22222222u;
}
uint32_t unit_scales(Kind kind) {
    return kind == Kind::nvfp4 ? 0x38383838u : 0x7F7F7F7Fu;
}

Problem constant_problem(Kind kind, uint32_t a, uint32_t b) {
    Problem problem{};
    for (Lane& lane : problem.lanes) {
        for (uint32_t& word : lane.a) word = a;
        for (uint32_t& word : lane.b) word = b;
        lane.scales_a = lane.scales_b = unit_scales(kind);
    }
    return problem;
}

std::vector<Case> single_cases(Kind kind) {
    std::vector<Case> cases;
    const int bits = kind == Kind::e2m1_e4m3 ? 8 : 4, elements = 32 / bits;
    const uint32_t mask = (1u << bits) - 1;
    for (int lane = 0; lane < 32; ++lane) {
        const std::string where = "lane " + std::to_string(lane);
        for (int side = 0; side < 2; ++side)
            for (int r = 0; r < (side == 0 ? 4 : 2); ++r)
                for (int i = 0; i < elements; ++i) {
                    const bool left = side == 0;
                    Problem problem = constant_problem(kind, left ? 0 : one_word(kind, true),
                                                       left ? one_word(kind, false) : 0);
                    uint32_t& word = left ? problem.lanes[lane].a[r] : problem.lanes[lane].b[r];
                    word = one_word(kind, left) & mask << bits * i;
                    cases.push_back({problem, std::string(left ? "a" : "b") + "[" + std::to_string(r) +
                                                  "] element " + std::to_string(i) + " of " + where});
                }
        for (int byte = 0; byte < 4; ++byte)
            for (int side = 0; side < 2; ++side) {
                Problem problem = constant_problem(kind, one_word(kind, true), one_word(kind, false));
                uint32_t& word = side == 0 ? problem.lanes[lane].scales_a : problem.lanes[lane].scales_b;
                word += (kind == Kind::nvfp4 ? 8u : 1u) << 8 * byte; // twice the scale
                cases.push_back({problem, "scale byte " + std::to_string(byte) +
                                              (side == 0 ? " of a, " : " of b, ") + where});
            }
    }
    return cases;
}

std::vector<Case> random_cases(Kind kind) {
    std::vector<Case> cases;
    std::mt19937 random(1);
    for (int i = 0; i < 256; ++i) {
        Problem problem;
        for (Lane& lane : problem.lanes) {
            for (uint32_t& word : lane.a) word = static_cast<uint32_t>(random());
            for (uint32_t& word : lane.b) word = static_cast<uint32_t>(random());
            lane.scales_a = lane.scales_b = 0;
            for (int byte = 0; byte < 4; ++byte) {
                const auto scale = [&] {
                    return kind == Kind::nvfp4 ? random() % 0x7F : 100 + random() % 50;
                };
                lane.scales_a |= static_cast<uint32_t>(scale()) << 8 * byte;
                lane.scales_b |= static_cast<uint32_t>(scale()) << 8 * byte;
            }
            if (kind == Kind::e2m1_e4m3) {
                for (uint32_t& word : lane.a) word &= 0x3C3C3C3Cu;
                for (uint32_t& word : lane.b) word &= 0xBFBFBFBFu; // no NaN
            }
            for (float& c : lane.c) c = i % 2 ? static_cast<float>(random() % 20001) - 10000.0f : 0.0f;
        }
        cases.push_back({problem, "random operands " + std::to_string(i)});
    }
    return cases;
}

void check(cudaError_t error) {
    if (error == cudaSuccess) return;
    std::printf("CUDA: %s\n", cudaGetErrorString(error));
    std::exit(2);
}

// Number of wrong cases; names the first few.
int compare(Kernel kernel, const std::vector<Case>& cases, const char* instruction, bool bitwise_if_native,
            bool& native) {
    std::vector<Problem> problems;
    for (const Case& c : cases) problems.push_back(c.problem);
    std::vector<Results> results(cases.size());
    void *device_problems, *device_results, *device_native;
    check(cudaMalloc(&device_problems, problems.size() * sizeof(Problem)));
    check(cudaMalloc(&device_results, results.size() * sizeof(Results)));
    check(cudaMalloc(&device_native, sizeof(int)));
    check(cudaMemcpy(device_problems, problems.data(), problems.size() * sizeof(Problem),
                     cudaMemcpyHostToDevice));
    kernel<<<static_cast<unsigned>(cases.size()), 32>>>(static_cast<Problem*>(device_problems),
                                                        static_cast<Results*>(device_results),
                                                        static_cast<int*>(device_native));
    check(cudaGetLastError());
    check(
        cudaMemcpy(results.data(), device_results, results.size() * sizeof(Results), cudaMemcpyDeviceToHost));
    int found = 0;
    check(cudaMemcpy(&found, device_native, sizeof(int), cudaMemcpyDeviceToHost));
    native = found != 0;
    check(cudaFree(device_problems));
    check(cudaFree(device_results));
    check(cudaFree(device_native));
    int wrong = 0;
    for (size_t i = 0; i < cases.size(); ++i) {
        float largest = 0;
        for (const auto& lane : results[i].model)
            for (float value : lane) largest = std::fmax(largest, std::fabs(value));
        int places = 0, first = -1;
        for (int at = 0; at < 128; ++at) {
            const float tested = results[i].tested[at / 4][at % 4], model = results[i].model[at / 4][at % 4];
            const bool same = bitwise_if_native && native
                                  ? std::memcmp(&tested, &model, 4) == 0 || tested == model
                                  : std::fabs(tested - model) <= 1e-4f * largest;
            if (same) continue;
            if (first < 0) first = at;
            ++places;
        }
        if (places == 0) continue;
        if (++wrong <= 3)
            std::printf("  %s, %s: %d of 128 outputs differ, first lane %d d[%d]: %.9g, model %.9g\n",
                        instruction, cases[i].name.c_str(), places, first / 4, first % 4,
                        results[i].tested[first / 4][first % 4], results[i].model[first / 4][first % 4]);
    }
    return wrong;
}

bool probe(const char* name, Kind kind, Kernel kernel) {
    bool native = false;
    const bool bitwise = kind != Kind::e2m1_e4m3;
    const auto singles = single_cases(kind), randoms = random_cases(kind);
    const int wrong_singles = compare(kernel, singles, name, bitwise, native);
    const int wrong_randoms = compare(kernel, randoms, name, bitwise, native);
    std::printf("%-7s %-28s %s: single elements and scales %zu of %zu, random %zu of %zu\n",
                wrong_singles + wrong_randoms == 0 ? "ok" : "DIFFERS", name,
                native ? "instruction" : "fast emulation",
                singles.size() - static_cast<size_t>(wrong_singles), singles.size(),
                randoms.size() - static_cast<size_t>(wrong_randoms), randoms.size());
    return wrong_singles + wrong_randoms == 0;
}

bool probe_all() {
    constexpr BlockFormat mx = BlockFormat::mxfp4, nv = BlockFormat::nvfp4;
    bool right = true;
    auto run = [&](const char* name, Kind kind, Kernel kernel) {
        right = probe(name, kind, kernel) && right;
    };
    run("mxfp4 bytes 0,0 threads 0,0", Kind::mxfp4, fp4_probe<mx, 0, 0, 0, 0>);
    run("mxfp4 bytes 2,0 threads 1,0", Kind::mxfp4, fp4_probe<mx, 2, 1, 0, 0>);
    run("mxfp4 bytes 0,2 threads 0,1", Kind::mxfp4, fp4_probe<mx, 0, 0, 2, 1>);
    run("mxfp4 bytes 2,2 threads 1,2", Kind::mxfp4, fp4_probe<mx, 2, 1, 2, 2>);
    run("mxfp4 bytes 2,2 threads 1,3", Kind::mxfp4, fp4_probe<mx, 2, 1, 2, 3>);
    run("nvfp4 threads 0,0", Kind::nvfp4, fp4_probe<nv, 0, 0, 0, 0>);
    run("nvfp4 threads 1,1", Kind::nvfp4, fp4_probe<nv, 0, 1, 0, 1>);
    run("nvfp4 threads 0,2", Kind::nvfp4, fp4_probe<nv, 0, 0, 0, 2>);
    run("nvfp4 threads 1,3", Kind::nvfp4, fp4_probe<nv, 0, 1, 0, 3>);
    run("e2m1 x e4m3 bytes 0,0", Kind::e2m1_e4m3, e4m3_probe<0, 0, 0, 0>);
    run("e2m1 x e4m3 bytes 1,2", Kind::e2m1_e4m3, e4m3_probe<1, 1, 2, 1>);
    run("e2m1 x e4m3 bytes 3,1", Kind::e2m1_e4m3, e4m3_probe<3, 0, 1, 2>);
    run("e2m1 x e4m3 bytes 2,3", Kind::e2m1_e4m3, e4m3_probe<2, 1, 3, 3>);
    return right;
}

} // namespace
} // namespace fp4::cuda

int main() {
    cudaDeviceProp properties;
    fp4::cuda::check(cudaGetDeviceProperties(&properties, 0));
    std::printf("%s, compute capability %d.%d\n", properties.name, properties.major, properties.minor);
    const bool right = fp4::cuda::probe_all();
    std::printf("%s\n", right ? "all right" : "SOME DIFFER");
    return right ? 0 : 1;
}
