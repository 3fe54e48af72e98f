// A model of Llama-3-8B's shape with random weights on the CUDA device, for the benchmarks.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cuda/cuda_backend.h"
#include "libfp4/engine/forward.h"
#include "libfp4/model/synthetic.h"

namespace fp4::bench {

template <class T>
T expect(Result<T> result) {
    if (result.ok()) return std::move(result).value();
    std::fprintf(stderr, "bench: %s\n", result.error().message.c_str());
    std::exit(1);
}
inline void expect(Result<void> result) {
    if (result.ok()) return;
    std::fprintf(stderr, "bench: %s\n", result.error().message.c_str());
    std::exit(1);
}

inline double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline std::shared_ptr<const Model> random_model(std::shared_ptr<Backend> backend, WeightFormat format,
                                                 uint32_t layers) {
    SyntheticModel synthetic;
    synthetic.config = expect(synthetic_shape("llama-3-8b"));
    synthetic.config.layers = layers;
    synthetic.config.sliding.resize(layers);
    synthetic.matrices = expect(matrix_encoding(weight_format_name(format)));
    auto source = expect(inspect_model(expect(synthetic_checkpoint(synthetic))));
    auto model = expect(Model::load(std::move(source), std::move(backend), {}));
    const uint64_t embedding =
        model->backend->weight_bytes(format, model->config.vocabulary, model->config.hidden);
    std::printf("%.2f GB of weights read for a token\n",
                static_cast<double>(model->weight_bytes - embedding) * 1e-9);
    return model;
}

} // namespace fp4::bench
