#include <algorithm>
#include <cmath>

#include "libfp4/model/config.h"

namespace fp4 {
namespace {

// Keys below "{architecture}.".
class ArchitectureKeys {
  public:
    ArchitectureKeys(const GgufMetadata& metadata, std::string prefix, const std::string& source)
        : metadata_(metadata), prefix_(std::move(prefix)), source_(source) {}

    Result<uint32_t> size(const char* key) const {
        FP4_ASSIGN(auto value, optional_size(key));
        if (!value) return error(Status::format, source_, ": metadata key '", prefix_, key, "' is missing");
        return *value;
    }
    Result<uint32_t> size(const char* key, uint32_t fallback) const {
        FP4_ASSIGN(auto value, optional_size(key));
        return value.value_or(fallback);
    }
    double number(const char* key, double fallback) const {
        return metadata_.number(prefix_ + key).value_or(fallback);
    }
    std::string text(const char* key) const {
        return std::string(metadata_.string(prefix_ + key).value_or(""));
    }

  private:
    Result<std::optional<uint32_t>> optional_size(const char* key) const {
        std::string full = prefix_ + key;
        if (!metadata_.contains(full)) return std::optional<uint32_t>();
        if (auto value = metadata_.unsigned_integer(full); value && *value <= UINT32_MAX) {
            return std::optional(static_cast<uint32_t>(*value));
        }
        // Some files give one value per layer.
        if (auto values = metadata_.integers(full); values && !values->empty() && values->front() >= 0) {
            bool same = std::ranges::all_of(*values, [&](int64_t value) { return value == values->front(); });
            if (!same)
                return error(Status::unsupported, source_, ": '", full, "' differs from layer to layer");
            return std::optional(static_cast<uint32_t>(std::min<int64_t>(values->front(), UINT32_MAX)));
        }
        return error(Status::format, source_, ": metadata key '", full, "' is not a whole number below 2^32");
    }

    const GgufMetadata& metadata_;
    std::string prefix_;
    const std::string& source_;
};

Result<void> apply_rope(const ArchitectureKeys& keys, const std::string& source, ModelConfig& config) {
    config.rope.theta = keys.number("rope.freq_base", 1e4);
    std::string scaling = keys.text("rope.scaling.type");
    if (scaling == "linear") {
        config.rope.scaling = RopeConfig::Scaling::linear;
        config.rope.factor = keys.number("rope.scaling.factor", 1.0);
    } else if (!scaling.empty() && scaling != "none") {
        return error(Status::unsupported, source, ": rope scaling '", scaling, "' is not supported");
    }
    config.rope_local = config.rope;
    FP4_ASSIGN(uint32_t rotated, keys.size("rope.dimension_count", config.head_dim));
    if (rotated != config.head_dim) {
        return error(Status::unsupported, source, ": rope over ", rotated, " of ", config.head_dim,
                     " head dimensions is not supported");
    }
    return {};
}

Result<void> apply_gemma3(const ArchitectureKeys& keys, ModelConfig& config) {
    config.qk_norm = true;
    config.post_norms = true;
    config.glu = Glu::gelu_tanh;
    config.embedding_scale = std::sqrt(static_cast<float>(config.hidden));
    config.rope_local = RopeConfig{};
    config.rope_local.theta = keys.number("rope.freq_base_swa", 1e4);
    // The 27B model divides by its hidden size per head; the format has no key for it.
    if (config.layers == 62)
        config.attention_scale = 1.0f / std::sqrt(float(config.hidden) / float(config.heads));
    FP4_ASSIGN(uint32_t pattern, keys.size("attention.sliding_window_pattern", 6));
    for (size_t i = 0; config.sliding_window > 0 && pattern > 0 && i < config.sliding.size(); ++i) {
        config.sliding[i] = (i + 1) % pattern != 0;
    }
    return {};
}

} // namespace

Result<ModelConfig> config_from_gguf(const GgufMetadata& metadata, uint64_t vocabulary,
                                     const std::string& source) {
    std::string architecture(metadata.string("general.architecture").value_or(""));
    if (architecture.empty())
        return error(Status::format, source, ": metadata key 'general.architecture' is missing");
    ModelConfig config;
    if (architecture == "llama") {
        config.architecture = Architecture::llama;
        config.rope_interleaved = true;
    } else if (architecture == "qwen2") {
        config.architecture = Architecture::qwen2;
        config.qkv_bias = true;
    } else if (architecture == "qwen3") {
        config.architecture = Architecture::qwen3;
        config.qk_norm = true;
    } else if (architecture == "gemma3") {
        config.architecture = Architecture::gemma3;
    } else {
        return error(Status::unsupported, source, ": architecture '", architecture,
                     "' is not supported; supported are llama, qwen2, qwen3 and gemma3");
    }
    ArchitectureKeys keys(metadata, architecture + ".", source);
    config.name = std::string(metadata.string("general.name").value_or(""));
    config.vocabulary = static_cast<uint32_t>(std::min<uint64_t>(vocabulary, UINT32_MAX));
    FP4_ASSIGN(config.hidden, keys.size("embedding_length"));
    FP4_ASSIGN(config.layers, keys.size("block_count"));
    FP4_ASSIGN(config.heads, keys.size("attention.head_count"));
    FP4_ASSIGN(config.kv_heads, keys.size("attention.head_count_kv", config.heads));
    FP4_ASSIGN(config.ffn, keys.size("feed_forward_length"));
    FP4_ASSIGN(config.context_length, keys.size("context_length"));
    if (config.heads == 0) return error(Status::format, source, ": 'attention.head_count' is 0");
    FP4_ASSIGN(config.head_dim, keys.size("attention.key_length", config.hidden / config.heads));
    FP4_ASSIGN(uint32_t value_dim, keys.size("attention.value_length", config.head_dim));
    if (value_dim != config.head_dim) {
        return error(Status::unsupported, source, ": key length ", config.head_dim, " and value length ",
                     value_dim, " differ");
    }
    FP4_ASSIGN(uint32_t experts, keys.size("expert_count", 0));
    if (experts > 0)
        return error(Status::unsupported, source, ": mixture-of-experts models are not supported");
    config.attention_scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
    config.norm_epsilon = static_cast<float>(keys.number("attention.layer_norm_rms_epsilon", 1e-6));
    FP4_ASSIGN(config.sliding_window, keys.size("attention.sliding_window", 0));
    config.sliding.assign(std::min<uint32_t>(config.layers, 4096), 0);
    FP4_TRY(apply_rope(keys, source, config));
    if (config.architecture == Architecture::gemma3) {
        FP4_TRY(apply_gemma3(keys, config));
    } else if (config.architecture == Architecture::llama && config.sliding_window > 0) {
        config.sliding.assign(config.sliding.size(), 1);
    } else {
        config.sliding_window = 0;
    }
    auto special = [&](const char* key) {
        auto id = metadata.unsigned_integer(key);
        return id && *id < config.vocabulary ? static_cast<int32_t>(*id) : -1;
    };
    config.bos_token = special("tokenizer.ggml.bos_token_id");
    for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"}) {
        if (int32_t id = special(key); id >= 0) config.eos_tokens.push_back(id);
    }
    FP4_TRY(validate_config(config, source));
    return config;
}

} // namespace fp4
