// Shapes of published models, from their config.json files.
#include "libfp4/model/synthetic.h"

namespace fp4 {
namespace {

struct Shape {
    std::string_view name;
    const char* config;
};

constexpr Shape shapes[] = {
    {"llama-3-8b",
     R"({"model_type": "llama", "vocab_size": 128256, "hidden_size": 4096, "num_hidden_layers": 32,
         "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
         "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 500000})"},
    {"llama-3.2-1b",
     R"({"model_type": "llama", "vocab_size": 128256, "hidden_size": 2048, "num_hidden_layers": 16,
         "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "intermediate_size": 8192,
         "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 500000,
         "rope_scaling": {"rope_type": "llama3", "factor": 32, "low_freq_factor": 1, "high_freq_factor": 4,
                          "original_max_position_embeddings": 8192}, "tie_word_embeddings": true})"},
    {"llama-3.2-3b",
     R"({"model_type": "llama", "vocab_size": 128256, "hidden_size": 3072, "num_hidden_layers": 28,
         "num_attention_heads": 24, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 8192,
         "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 500000,
         "rope_scaling": {"rope_type": "llama3", "factor": 32, "low_freq_factor": 1, "high_freq_factor": 4,
                          "original_max_position_embeddings": 8192}, "tie_word_embeddings": true})"},
    {"qwen3-0.6b",
     R"({"model_type": "qwen3", "vocab_size": 151936, "hidden_size": 1024, "num_hidden_layers": 28,
         "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 3072,
         "max_position_embeddings": 40960, "rms_norm_eps": 1e-6, "rope_theta": 1000000,
         "tie_word_embeddings": true})"},
    {"qwen3-8b",
     R"({"model_type": "qwen3", "vocab_size": 151936, "hidden_size": 4096, "num_hidden_layers": 36,
         "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 12288,
         "max_position_embeddings": 40960, "rms_norm_eps": 1e-6, "rope_theta": 1000000})"},
    {"smollm2-135m",
     R"({"model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "num_hidden_layers": 30,
         "num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 1536,
         "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 100000,
         "tie_word_embeddings": true})"},
    {"smollm2-1.7b",
     R"({"model_type": "llama", "vocab_size": 49152, "hidden_size": 2048, "num_hidden_layers": 24,
         "num_attention_heads": 32, "num_key_value_heads": 32, "intermediate_size": 8192,
         "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 130000,
         "tie_word_embeddings": true})"},
};

} // namespace

std::vector<std::string_view> synthetic_shapes() {
    std::vector<std::string_view> names;
    for (const Shape& shape : shapes) names.push_back(shape.name);
    return names;
}

Result<ModelConfig> synthetic_shape(std::string_view wanted) {
    if (const size_t first = wanted.find_first_not_of(" \t\r\n");
        first != std::string_view::npos && wanted[first] == '{') {
        return config_from_json(wanted, "the synthetic model");
    }
    std::string known;
    for (const Shape& shape : shapes) {
        if (shape.name == wanted) {
            FP4_ASSIGN(ModelConfig config, config_from_json(shape.config, std::string(wanted)));
            config.name = shape.name;
            return config;
        }
        known += concat(known.empty() ? "" : ", ", shape.name);
    }
    return error(Status::not_found, "there is no model shape '", wanted, "'; known are ", known,
                 ", and the text of a config.json");
}

} // namespace fp4
