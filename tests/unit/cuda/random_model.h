// Small models with random weights on a device.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>

#include "libfp4/engine/model.h"
#include "libfp4/model/synthetic.h"

namespace fp4::test {

// A simulated GPU takes a thousand times as long: there fewer of a test's repetitions do.
inline int repetitions(int wanted, int simulated) {
    return std::getenv("FP4_SIMULATED_GPU") ? simulated : wanted;
}

struct RandomModelShape {
    WeightFormat format = WeightFormat::mxfp4;
    uint32_t heads = 8, kv_heads = 2, head_dim = 64, ffn = 384, hidden = 256;
    InputTransform transform; // of all sites
    uint32_t window = 0;      // of every other layer
    bool head_norms = false, biases = false;
};

class RandomModel {
  public:
    RandomModel(std::shared_ptr<Backend> backend, const RandomModelShape& shape)
        : backend_(std::move(backend)), shape_(shape) {}

    std::shared_ptr<const Model> make() {
        SyntheticModel synthetic;
        synthetic.config = config();
        synthetic.matrices = taken(matrix_encoding(weight_format_name(shape_.format)));
        synthetic.seed = 3;
        auto checkpoint = taken(synthetic_checkpoint(synthetic));
        auto model = taken(Model::load(taken(inspect_model(std::move(checkpoint))), backend_, {}));
        // What files say of the inputs of linears; nobody else has seen the model yet.
        auto& own = const_cast<Model&>(*model);
        const size_t widths[] = {own.config.hidden, own.config.q_width(), own.config.hidden, own.config.ffn};
        for (LayerWeights& layer : own.layers)
            for (size_t site = 0; site < 4; ++site)
                layer.sites[site].transform = taken(backend_->load(shape_.transform, widths[site]));
        return model;
    }

  private:
    template <class T>
    static T taken(Result<T> result) {
        REQUIRE(result.ok());
        return std::move(result).value();
    }

    ModelConfig config() const {
        ModelConfig config;
        config.architecture = shape_.head_norms ? Architecture::qwen3 : Architecture::llama;
        config.name = "random";
        config.vocabulary = 1000;
        config.hidden = shape_.hidden;
        config.layers = 3;
        config.heads = shape_.heads;
        config.kv_heads = shape_.kv_heads;
        config.head_dim = shape_.head_dim;
        config.ffn = shape_.ffn;
        config.context_length = 4096;
        config.attention_scale = 0.125f;
        config.qk_norm = shape_.head_norms;
        config.qkv_bias = config.output_bias = config.mlp_bias = shape_.biases;
        config.sliding_window = shape_.window;
        for (uint32_t i = 0; i < config.layers; ++i)
            config.sliding.push_back(shape_.window != 0 && i % 2 == 1);
        return config;
    }

    std::shared_ptr<Backend> backend_;
    RandomModelShape shape_;
};

} // namespace fp4::test
