// A model of Llama-3-8B's shape with random weights on the CUDA device, for the benchmarks.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "cuda/cuda_backend.h"
#include "libfp4/engine/forward.h"

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

inline ModelConfig llama_3_8b(uint32_t layers) {
    ModelConfig config;
    config.vocabulary = 128256;
    config.hidden = 4096;
    config.layers = layers;
    config.heads = 32;
    config.kv_heads = 8;
    config.head_dim = 128;
    config.ffn = 14336;
    config.attention_scale = 0.0883883476f;
    config.rope.theta = 500000.0;
    config.sliding.resize(layers);
    return config;
}

class RandomWeights {
  public:
    RandomWeights(Backend& backend, WeightFormat format) : backend_(backend), format_(format) {
        codes_.resize(size_t(128256) * 4096 / 2);
        scales_.resize(codes_.size() / 8);
        std::mt19937_64 random(1);
        for (size_t i = 0; i + 8 <= codes_.size(); i += 8) {
            const uint64_t word = random();
            std::memcpy(codes_.data() + i, &word, 8);
        }
        // Outputs of a size near the inputs': elements of about 2.7, sums of thousands.
        for (size_t i = 0; i < scales_.size(); ++i)
            scales_[i] = static_cast<uint8_t>((format == WeightFormat::nvfp4 ? 8 : 119) + codes_[i] % 2);
    }
    std::unique_ptr<Weight> matrix(uint32_t rows, uint32_t cols) {
        bytes_ += size_t(rows) * (cols / 2 + cols / (format_ == WeightFormat::nvfp4 ? 16 : 32));
        return expect(backend_.load(HostWeight{format_, rows, cols, codes_.data(), scales_.data()}));
    }
    std::unique_ptr<Weight> vector(const std::vector<float>& values) {
        HostWeight weight;
        weight.rows = 1;
        weight.cols = values.size();
        weight.data = reinterpret_cast<const uint8_t*>(values.data());
        return expect(backend_.load(weight));
    }
    std::unique_ptr<Weight> ones(uint32_t count) { return vector(std::vector<float>(count, 1.0f)); }
    size_t bytes() const { return bytes_; }

  private:
    Backend& backend_;
    WeightFormat format_;
    std::vector<uint8_t> codes_, scales_;
    size_t bytes_ = 0;
};

inline std::shared_ptr<Model> random_model(std::shared_ptr<Backend> backend, WeightFormat format,
                                           uint32_t layers) {
    auto model = std::make_shared<Model>();
    const ModelConfig config = llama_3_8b(layers);
    RandomWeights random(*backend, format);
    model->config = config;
    model->backend = backend;
    model->linear_format = format;
    for (uint32_t i = 0; i < layers; ++i) {
        LayerWeights layer;
        layer.attention_norm = random.ones(config.hidden);
        layer.ffn_norm = random.ones(config.hidden);
        layer.q.weight = random.matrix(config.q_width(), config.hidden);
        layer.k.weight = random.matrix(config.kv_width(), config.hidden);
        layer.v.weight = random.matrix(config.kv_width(), config.hidden);
        layer.o.weight = random.matrix(config.hidden, config.q_width());
        layer.gate.weight = random.matrix(config.ffn, config.hidden);
        layer.up.weight = random.matrix(config.ffn, config.hidden);
        layer.down.weight = random.matrix(config.hidden, config.ffn);
        model->layers.push_back(std::move(layer));
    }
    model->own_head = random.matrix(config.vocabulary, config.hidden);
    std::printf("%.2f GB of weights read for a token\n", double(random.bytes()) * 1e-9);
    model->embedding = random.matrix(config.vocabulary, config.hidden);
    model->final_norm = random.ones(config.hidden);
    model->ropes.global = random.vector(inverse_frequencies(config.rope, config.head_dim));
    model->ropes.local = random.vector(inverse_frequencies(config.rope, config.head_dim));
    return model;
}

} // namespace fp4::bench
