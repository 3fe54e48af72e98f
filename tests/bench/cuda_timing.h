// Device time of work that is replayed as a CUDA graph: no launch overhead of the host in it.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace fp4::bench {

inline void require(cudaError_t code, const char* what) {
    if (code == cudaSuccess) return;
    std::fprintf(stderr, "bench: %s: %s\n", what, cudaGetErrorString(code));
    std::exit(1);
}

// Milliseconds from before to after `work`, the best of several rounds.
template <class Work>
float milliseconds(cudaStream_t stream, Work&& work) {
    cudaEvent_t start, stop;
    require(cudaEventCreate(&start), "create an event");
    require(cudaEventCreate(&stop), "create an event");
    float best = 1e30f;
    for (int round = 0; round < 6; ++round) {
        cudaEventRecord(start, stream);
        work();
        cudaEventRecord(stop, stream);
        require(cudaEventSynchronize(stop), "run");
        float elapsed = 0.0f;
        cudaEventElapsedTime(&elapsed, start, stop);
        if (round > 0) best = std::min(best, elapsed);
    }
    cudaEventDestroy(start);
    cudaEventDestroy(stop);
    return best;
}

// Microseconds of one piece of the work that `record` enqueues, `calls` pieces each time. It is repeated
// within one graph: starting a graph takes microseconds of its own, which are nobody's here.
template <class Record>
double microseconds(cudaStream_t stream, int calls, Record&& record) {
    auto replay = [&](int repeats) {
        cudaGraph_t graph;
        cudaGraphExec_t exec;
        require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), "begin capture");
        for (int i = 0; i < repeats; ++i) record();
        require(cudaStreamEndCapture(stream, &graph), "end capture");
        require(cudaGraphInstantiate(&exec, graph, 0), "instantiate");
        const float best = milliseconds(stream, [&] { cudaGraphLaunch(exec, stream); });
        cudaGraphExecDestroy(exec);
        cudaGraphDestroy(graph);
        return best;
    };
    constexpr float long_enough = 2.0f; // milliseconds
    const int repeats = std::clamp(static_cast<int>(long_enough / replay(1)), 1, 64);
    return replay(repeats) * 1e3 / (calls * repeats);
}

} // namespace fp4::bench
