// What a transformer is, independent of the file it came from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/io/gguf_metadata.h"

namespace fp4 {

enum class Architecture : uint8_t { llama, qwen2, qwen3, gemma3 };
const char* architecture_name(Architecture architecture);

struct RopeConfig {
    enum class Scaling : uint8_t { none, linear, llama3 } scaling = Scaling::none;
    double theta = 10000.0;
    double factor = 1.0;
    // llama3 only (Llama 3.1 model card, "rope scaling").
    double low_freq_factor = 1.0;
    double high_freq_factor = 4.0;
    double original_context = 8192.0;
};

// Inverse frequencies of the head_dim / 2 rotation pairs, scaling applied.
std::vector<float> inverse_frequencies(const RopeConfig& rope, uint32_t head_dim);

enum class Glu : uint8_t { silu, gelu_tanh };

struct ModelConfig {
    Architecture architecture = Architecture::llama;
    std::string name;
    uint32_t vocabulary = 0;
    uint32_t hidden = 0;
    uint32_t layers = 0;
    uint32_t heads = 0;
    uint32_t kv_heads = 0;
    uint32_t head_dim = 0;
    uint32_t ffn = 0;
    uint32_t context_length = 0;
    float norm_epsilon = 1e-6f;
    float embedding_scale = 1.0f;
    float attention_scale = 0.0f; // on q.k
    Glu glu = Glu::silu;
    bool tied_head = false;
    bool qkv_bias = false;
    bool output_bias = false;
    bool mlp_bias = false;
    bool qk_norm = false;
    bool post_norms = false;       // gemma: norms after attention and feed-forward, before the residual
    bool norm_plus_one = false;    // stored norm weights are w of (1 + w)
    bool rope_interleaved = false; // q and k rows ordered for pairs (2i, 2i+1), as GGUF stores llama
    RopeConfig rope;               // of full-attention layers
    RopeConfig rope_local;         // of sliding-window layers
    uint32_t sliding_window = 0;   // tokens; 0: none
    std::vector<uint8_t> sliding;  // [layers] 1: sliding window layer
    int32_t bos_token = -1;
    std::vector<int32_t> eos_tokens;

    uint32_t q_width() const { return heads * head_dim; }
    uint32_t kv_width() const { return kv_heads * head_dim; }
};

// config.json of Hugging Face folders: both the older spelling (rope_theta, rope_scaling) and that of
// transformers 5 (rope_parameters), plus the "fp4" extension object that config_to_json writes.
Result<ModelConfig> config_from_json(std::string_view json, const std::string& source);
// vocabulary comes from the embedding's rows, since not every file has the key.
Result<ModelConfig> config_from_gguf(const GgufMetadata& metadata, uint64_t vocabulary,
                                     const std::string& source);
std::string config_to_json(const ModelConfig& config);

// Refuses sizes that are zero, inconsistent or beyond any real model.
Result<void> validate_config(const ModelConfig& config, const std::string& source);

} // namespace fp4
