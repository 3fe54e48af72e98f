// Small models with random weights on a device, without a file.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <random>

#include "libfp4/engine/model.h"

namespace fp4::test {

struct RandomModelShape {
    WeightFormat format = WeightFormat::mxfp4;
    uint32_t heads = 4, kv_heads = 2, head_dim = 64, ffn = 384;
    InputTransform transform; // of all sites
    uint32_t window = 0;      // of every other layer
    bool head_norms = false, biases = false;
};

class RandomModel {
  public:
    RandomModel(std::shared_ptr<Backend> backend, const RandomModelShape& shape)
        : backend_(backend), shape_(shape), random_(3) {
        model_->backend = std::move(backend);
    }

    std::shared_ptr<const Model> make() {
        ModelConfig& config = model_->config;
        config.vocabulary = 1000;
        config.hidden = 256;
        config.layers = 3;
        config.heads = shape_.heads;
        config.kv_heads = shape_.kv_heads;
        config.head_dim = shape_.head_dim;
        config.ffn = shape_.ffn;
        config.context_length = 4096;
        config.attention_scale = 0.125f;
        config.rope.theta = 10000.0;
        config.sliding_window = shape_.window;
        for (uint32_t i = 0; i < config.layers; ++i)
            config.sliding.push_back(shape_.window != 0 && i % 2 == 1);
        model_->linear_format = shape_.format;
        model_->identity = 7;
        for (uint32_t i = 0; i < config.layers; ++i) model_->layers.push_back(layer());
        model_->embedding = matrix(config.vocabulary, config.hidden);
        model_->own_head = matrix(config.vocabulary, config.hidden);
        model_->final_norm = vector(config.hidden);
        model_->ropes.global = upload(inverse_frequencies(config.rope, config.head_dim));
        model_->ropes.local = upload(inverse_frequencies(config.rope, config.head_dim));
        return model_;
    }

  private:
    template <class T>
    static T taken(Result<T> result) {
        REQUIRE(result.ok());
        return std::move(result).value();
    }

    std::unique_ptr<Weight> matrix(uint32_t rows, uint32_t cols) {
        const bool nv = shape_.format == WeightFormat::nvfp4;
        std::vector<uint8_t> codes(size_t(rows) * cols / 2), scales(size_t(rows) * cols / (nv ? 16 : 32));
        for (auto& code : codes) code = static_cast<uint8_t>(random_());
        for (auto& scale : scales) scale = static_cast<uint8_t>((nv ? 16 : 121) + random_() % 3);
        return taken(backend_->load(HostWeight{shape_.format, rows, cols, codes.data(), scales.data()}));
    }
    std::unique_ptr<Weight> upload(const std::vector<float>& values) {
        HostWeight weight;
        weight.rows = 1;
        weight.cols = values.size();
        weight.data = reinterpret_cast<const uint8_t*>(values.data());
        return taken(backend_->load(weight));
    }
    std::unique_ptr<Weight> vector(uint32_t count) {
        std::vector<float> values(count);
        for (float& value : values) value = 0.5f + static_cast<float>(random_() % 1000) * 0.001f;
        return upload(values);
    }
    LinearWeights linear(uint32_t rows, uint32_t cols) {
        LinearWeights linear;
        linear.weight = matrix(rows, cols);
        if (shape_.biases) linear.bias = vector(rows);
        return linear;
    }
    LayerWeights layer() {
        const ModelConfig& config = model_->config;
        LayerWeights layer;
        layer.attention_norm = vector(config.hidden);
        layer.ffn_norm = vector(config.hidden);
        layer.q = linear(config.q_width(), config.hidden);
        layer.k = linear(config.kv_width(), config.hidden);
        layer.v = linear(config.kv_width(), config.hidden);
        layer.o = linear(config.hidden, config.q_width());
        layer.gate = linear(config.ffn, config.hidden);
        layer.up = linear(config.ffn, config.hidden);
        layer.down = linear(config.hidden, config.ffn);
        if (shape_.head_norms) {
            layer.q_norm = vector(config.head_dim);
            layer.k_norm = vector(config.head_dim);
        }
        const uint32_t widths[] = {config.hidden, config.q_width(), config.hidden, config.ffn};
        for (int site = 0; site < 4; ++site)
            layer.sites[site].transform = taken(backend_->load(shape_.transform, widths[site]));
        return layer;
    }

    std::shared_ptr<Backend> backend_;
    RandomModelShape shape_;
    std::mt19937 random_;
    std::shared_ptr<Model> model_ = std::make_shared<Model>();
};

} // namespace fp4::test
