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

// Microseconds of one call of `record(stream)`, which enqueues `calls` pieces of work: the best of several
// replays, per piece.
template <class Record>
double microseconds(cudaStream_t stream, int calls, Record&& record) {
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), "begin capture");
    record();
    require(cudaStreamEndCapture(stream, &graph), "end capture");
    require(cudaGraphInstantiate(&exec, graph, 0), "instantiate");
    cudaEvent_t start, stop;
    cudaEventCreate(&start);
    cudaEventCreate(&stop);
    float best = 1e30f;
    for (int round = 0; round < 6; ++round) {
        cudaEventRecord(start, stream);
        cudaGraphLaunch(exec, stream);
        cudaEventRecord(stop, stream);
        require(cudaEventSynchronize(stop), "replay");
        float elapsed = 0.0f;
        cudaEventElapsedTime(&elapsed, start, stop);
        if (round > 0) best = std::min(best, elapsed);
    }
    cudaEventDestroy(start);
    cudaEventDestroy(stop);
    cudaGraphExecDestroy(exec);
    cudaGraphDestroy(graph);
    return best * 1e3 / calls;
}

} // namespace fp4::bench
