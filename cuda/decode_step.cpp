// Decode steps of a stream: operations collected, fused with their neighbours, run, and from the second time
// on captured and replayed as one CUDA graph.
#include "cuda/decode_step.h"

#include <algorithm>

#include "cuda/cuda_stream.h"
#include "cuda/step_options.h"

namespace fp4::cuda {

StepRecord* StepRecords::find(const StepKey& key) {
    auto found = std::find_if(records_.begin(), records_.end(),
                              [&](const StepRecord& record) { return record.key() == key; });
    return found == records_.end() ? nullptr : &*found;
}

StepRecord& StepRecords::add(const StepKey& key) {
    if (records_.size() == most) records_.erase(records_.begin());
    return records_.emplace_back(key);
}

StepStart CudaStream::begin_step(const DecodeStep& step) {
    collecting_ = false;
    calls_.clear();
    if (!step_options.recorded || !state_.ok() || !step.cache ||
        step.position >= step.cache->shape().capacity) {
        return StepStart::direct;
    }
    const auto& cache = static_cast<const CudaKvCache&>(*step.cache);
    const auto position = static_cast<uint32_t>(step.position);
    step_position_ = step.position;
    step_key_ = {step.owner, cache.shape(), cache.view(0).keys, decode_length_class(position + 1)};
    if (position != device_position_ + 1) {
        const uint32_t before = position - 1; // the step starts by adding one
        launched(cudaMemcpyAsync(position_.data(), &before, sizeof before, cudaMemcpyHostToDevice, stream_),
                 "begin_step");
    }
    device_position_ = position;
    const StepRecord* record = records_.find(step_key_);
    if (!record || !record->graph()) {
        collecting_ = true;
        return StepStart::recorded;
    }
    launched(cudaGraphLaunch(record->graph(), stream_), "a decode step");
    return StepStart::repeated;
}

void CudaStream::end_step() {
    if (!collecting_) return;
    collecting_ = false;
    in_step_ = true;
    StepRecord* record = records_.find(step_key_);
    if (record && step_options.graph) {
        capture_calls(*record);
    } else {
        // The first time nothing is captured: scratch memory grows now, and kernels are loaded.
        if (!record) records_.add(step_key_);
        run_calls();
    }
    in_step_ = false;
    calls_.clear();
}

void CudaStream::capture_calls(StepRecord& record) {
    // Relaxed: what other threads do meanwhile does not matter to this stream.
    launched(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), "the capture of a decode step");
    if (!state_.ok()) return;
    run_calls();
    cudaGraph_t graph = nullptr;
    launched(cudaStreamEndCapture(stream_, &graph), "the capture of a decode step");
    cudaGraphExec_t ready = nullptr;
    if (state_.ok()) launched(cudaGraphInstantiate(&ready, graph, 0), "a captured decode step");
    if (graph) cudaGraphDestroy(graph);
    if (!state_.ok()) return;
    record.keep(ready);
    launched(cudaGraphLaunch(ready, stream_), "a decode step");
}

StepPosition CudaStream::place_of(size_t position, const char* operation) {
    if (!in_step_) return {static_cast<uint32_t>(position), nullptr};
    require(position == step_position_, operation, "another position than the step's");
    return {0, position_.as<uint32_t>()};
}

} // namespace fp4::cuda
