#include <cmath>

#include "libfp4/io/json_document.h"
#include "libfp4/io/json_writer.h"
#include "libfp4/model/config.h"

namespace fp4 {
namespace {

// Typed access with the file and key in every message.
class Fields {
  public:
    Fields(const JsonValue& object, const std::string& source) : object_(object), source_(source) {}

    const JsonValue* find(const char* key) const {
        const JsonValue* value = object_.find(key);
        return value && !value->is_null() ? value : nullptr;
    }

    Result<uint32_t> size(const char* key) const {
        const JsonValue* value = find(key);
        if (!value) return error(Status::format, source_, ": '", key, "' is missing");
        return as_size(*value, key);
    }
    Result<uint32_t> size(const char* key, uint32_t fallback) const {
        const JsonValue* value = find(key);
        if (!value) return fallback;
        return as_size(*value, key);
    }
    Result<double> number(const char* key, double fallback) const {
        const JsonValue* value = find(key);
        if (!value) return fallback;
        auto number = value->number();
        if (!number) return error(Status::format, source_, ": '", key, "' is not a number");
        return *number;
    }
    Result<bool> boolean(const char* key, bool fallback) const {
        const JsonValue* value = find(key);
        if (!value) return fallback;
        auto truth = value->boolean();
        if (!truth) return error(Status::format, source_, ": '", key, "' is not true or false");
        return *truth;
    }
    Result<std::string> text(const char* key, const char* fallback) const {
        const JsonValue* value = find(key);
        if (!value) return std::string(fallback);
        if (!value->string()) return error(Status::format, source_, ": '", key, "' is not a string");
        return *value->string();
    }
    const std::string& source() const { return source_; }

  private:
    Result<uint32_t> as_size(const JsonValue& value, const char* key) const {
        auto number = value.unsigned_integer();
        if (!number || *number > UINT32_MAX) {
            return error(Status::format, source_, ": '", key, "' is not a whole number below 2^32");
        }
        return static_cast<uint32_t>(*number);
    }

    const JsonValue& object_;
    const std::string& source_;
};

Result<RopeConfig> parse_rope(const Fields& fields, double theta) {
    RopeConfig rope;
    FP4_ASSIGN(rope.theta, fields.number("rope_theta", theta));
    FP4_ASSIGN(std::string older, fields.text("type", "default"));
    FP4_ASSIGN(std::string type, fields.text("rope_type", older.c_str()));
    FP4_ASSIGN(rope.factor, fields.number("factor", 1.0));
    if (type == "default") {
        rope.factor = 1.0;
    } else if (type == "linear") {
        rope.scaling = RopeConfig::Scaling::linear;
    } else if (type == "llama3") {
        rope.scaling = RopeConfig::Scaling::llama3;
        FP4_ASSIGN(rope.low_freq_factor, fields.number("low_freq_factor", 1.0));
        FP4_ASSIGN(rope.high_freq_factor, fields.number("high_freq_factor", 4.0));
        FP4_ASSIGN(rope.original_context, fields.number("original_max_position_embeddings", 8192.0));
    } else {
        return error(Status::unsupported, fields.source(), ": rope scaling '", type, "' is not supported");
    }
    return rope;
}

// rope_parameters (transformers 5, possibly one object per layer type) or rope_theta + rope_scaling.
Result<void> parse_ropes(const Fields& fields, ModelConfig& config) {
    double default_theta = config.architecture == Architecture::gemma3 ? 1e6 : 1e4;
    const JsonValue* parameters = fields.find("rope_parameters");
    if (parameters && !parameters->object()) {
        return error(Status::format, fields.source(), ": 'rope_parameters' is not an object");
    }
    if (parameters && parameters->find("full_attention")) {
        for (auto [key, rope, theta] : {std::tuple{"full_attention", &config.rope, default_theta},
                                        std::tuple{"sliding_attention", &config.rope_local, 1e4}}) {
            const JsonValue* one = parameters->find(key);
            if (!one) continue;
            if (!one->object())
                return error(Status::format, fields.source(), ": '", key, "' is not an object");
            FP4_ASSIGN(*rope, parse_rope(Fields(*one, fields.source()), theta));
        }
        return {};
    }
    FP4_ASSIGN(double theta, fields.number("rope_theta", default_theta));
    const JsonValue* scaling = parameters ? parameters : fields.find("rope_scaling");
    config.rope.theta = theta;
    if (scaling) {
        if (!scaling->object())
            return error(Status::format, fields.source(), ": 'rope_scaling' is not an object");
        FP4_ASSIGN(config.rope, parse_rope(Fields(*scaling, fields.source()), theta));
    }
    config.rope_local = config.rope;
    if (config.architecture == Architecture::gemma3) {
        config.rope_local = RopeConfig{};
        FP4_ASSIGN(config.rope_local.theta, fields.number("rope_local_base_freq", 1e4));
    }
    return {};
}

Result<void> parse_layer_types(const Fields& fields, ModelConfig& config) {
    FP4_ASSIGN(config.sliding_window, fields.size("sliding_window", 0));
    config.sliding.assign(std::min<uint32_t>(config.layers, 4096), 0);
    if (const JsonValue* types = fields.find("layer_types")) {
        if (!types->array() || types->array()->size() != config.sliding.size()) {
            return error(Status::format, fields.source(),
                         ": 'layer_types' does not list one type for each of ", config.layers, " layers");
        }
        for (size_t i = 0; i < config.sliding.size(); ++i) {
            const std::string* type = (*types->array())[i].string();
            if (type && *type == "sliding_attention") {
                config.sliding[i] = 1;
            } else if (!type || *type != "full_attention") {
                return error(Status::unsupported, fields.source(), ": layer ", i,
                             " is neither full nor sliding attention");
            }
        }
    } else if (config.architecture == Architecture::gemma3) {
        FP4_ASSIGN(uint32_t pattern, fields.size("sliding_window_pattern", 6));
        if (pattern == 0) return error(Status::format, fields.source(), ": 'sliding_window_pattern' is 0");
        for (size_t i = 0; i < config.sliding.size(); ++i) config.sliding[i] = (i + 1) % pattern != 0;
    } else if (config.architecture == Architecture::llama) {
        if (config.sliding_window > 0) config.sliding.assign(config.sliding.size(), 1);
    } else {
        FP4_ASSIGN(bool enabled, fields.boolean("use_sliding_window", false));
        FP4_ASSIGN(uint32_t first, fields.size("max_window_layers", config.layers));
        for (size_t i = first; enabled && i < config.sliding.size(); ++i) config.sliding[i] = 1;
    }
    bool any = false;
    for (uint8_t is_sliding : config.sliding) any |= is_sliding != 0;
    if (!any) config.sliding_window = 0;
    return {};
}

Result<void> parse_special_tokens(const Fields& fields, ModelConfig& config) {
    auto token = [](const JsonValue& value) -> int32_t {
        auto id = value.unsigned_integer();
        return id && *id < (1u << 24) ? static_cast<int32_t>(*id) : -1;
    };
    if (const JsonValue* bos = fields.find("bos_token_id")) config.bos_token = token(*bos);
    if (const JsonValue* eos = fields.find("eos_token_id")) {
        if (eos->array()) {
            for (const JsonValue& value : *eos->array()) config.eos_tokens.push_back(token(value));
        } else {
            config.eos_tokens.push_back(token(*eos));
        }
        std::erase(config.eos_tokens, -1);
    }
    return {};
}

Result<void> parse_activation(const Fields& fields, ModelConfig& config) {
    const char* fallback = config.architecture == Architecture::gemma3 ? "gelu_pytorch_tanh" : "silu";
    FP4_ASSIGN(std::string older, fields.text("hidden_act", fallback));
    FP4_ASSIGN(std::string name, fields.text("hidden_activation", older.c_str()));
    if (name == "silu" || name == "swish") {
        config.glu = Glu::silu;
    } else if (name == "gelu_pytorch_tanh" || name == "gelu_tanh") {
        config.glu = Glu::gelu_tanh;
    } else {
        return error(Status::unsupported, fields.source(), ": activation '", name, "' is not supported");
    }
    return {};
}

Result<Architecture> parse_architecture(const std::string& type, const std::string& source) {
    if (type == "llama" || type == "mistral") return Architecture::llama;
    if (type == "qwen2") return Architecture::qwen2;
    if (type == "qwen3") return Architecture::qwen3;
    if (type == "gemma3_text" || type == "gemma3") return Architecture::gemma3;
    return error(Status::unsupported, source, ": architecture '", type,
                 "' is not supported; supported are llama, mistral, qwen2, qwen3 and gemma3");
}

Result<void> parse_gemma3(const Fields& fields, ModelConfig& config) {
    config.qk_norm = true;
    config.post_norms = true;
    config.norm_plus_one = true;
    config.embedding_scale = std::sqrt(static_cast<float>(config.hidden));
    FP4_ASSIGN(double scalar, fields.number("query_pre_attn_scalar", 256.0));
    if (!(scalar > 0))
        return error(Status::format, fields.source(), ": 'query_pre_attn_scalar' is not a positive number");
    config.attention_scale = static_cast<float>(1.0 / std::sqrt(scalar));
    for (const char* key : {"final_logit_softcapping", "attn_logit_softcapping"}) {
        if (fields.find(key))
            return error(Status::unsupported, fields.source(), ": '", key, "' is not supported");
    }
    return {};
}

// What config.json has no key for; written by config_to_json.
Result<void> parse_extension(const Fields& fields, ModelConfig& config) {
    const JsonValue* extension = fields.find("fp4");
    if (!extension) return {};
    if (!extension->object()) return error(Status::format, fields.source(), ": 'fp4' is not an object");
    Fields extra(*extension, fields.source());
    FP4_ASSIGN(config.name, extra.text("name", ""));
    FP4_ASSIGN(config.rope_interleaved, extra.boolean("rope_interleaved", config.rope_interleaved));
    FP4_ASSIGN(config.norm_plus_one, extra.boolean("norm_plus_one", config.norm_plus_one));
    FP4_ASSIGN(config.qkv_bias, extra.boolean("qkv_bias", config.qkv_bias));
    FP4_ASSIGN(config.output_bias, extra.boolean("output_bias", config.output_bias));
    FP4_ASSIGN(double scale, extra.number("attention_scale", config.attention_scale));
    config.attention_scale = static_cast<float>(scale);
    return {};
}

void write_rope(JsonWriter& json, const char* name, const RopeConfig& rope) {
    json.key(name);
    json.begin_object();
    switch (rope.scaling) {
        case RopeConfig::Scaling::none:
            json.member("rope_type", "default");
            break;
        case RopeConfig::Scaling::linear:
            json.member("rope_type", "linear");
            break;
        case RopeConfig::Scaling::llama3:
            json.member("rope_type", "llama3");
            break;
    }
    json.member("rope_theta", rope.theta);
    if (rope.scaling != RopeConfig::Scaling::none) json.member("factor", rope.factor);
    if (rope.scaling == RopeConfig::Scaling::llama3) {
        json.member("low_freq_factor", rope.low_freq_factor);
        json.member("high_freq_factor", rope.high_freq_factor);
        json.member("original_max_position_embeddings", rope.original_context);
    }
    json.end_object();
}

// What config.json has no key for; read by parse_extension.
void write_extension(JsonWriter& json, const ModelConfig& config) {
    json.key("fp4");
    json.begin_object();
    json.member("name", config.name);
    json.member("rope_interleaved", config.rope_interleaved);
    json.member("norm_plus_one", config.norm_plus_one);
    json.member("qkv_bias", config.qkv_bias);
    json.member("output_bias", config.output_bias);
    json.member("attention_scale", double(config.attention_scale));
    json.end_object();
}

} // namespace

Result<ModelConfig> config_from_json(std::string_view text, const std::string& source) {
    FP4_ASSIGN(JsonValue root, parse_json(text, source));
    if (!root.object()) return error(Status::format, source, ": not a JSON object");
    // Multimodal checkpoints keep the language model's configuration one level down.
    const JsonValue* nested = root.find("text_config");
    Fields outer(root, source);
    Fields fields(nested && nested->object() ? *nested : root, source);
    ModelConfig config;
    FP4_ASSIGN(std::string outer_type, outer.text("model_type", ""));
    FP4_ASSIGN(std::string type, fields.text("model_type", outer_type.c_str()));
    FP4_ASSIGN(config.architecture, parse_architecture(type, source));
    FP4_ASSIGN(config.name, fields.text("_name_or_path", ""));
    FP4_ASSIGN(config.vocabulary, fields.size("vocab_size"));
    FP4_ASSIGN(config.hidden, fields.size("hidden_size"));
    FP4_ASSIGN(config.layers, fields.size("num_hidden_layers"));
    FP4_ASSIGN(config.heads, fields.size("num_attention_heads"));
    FP4_ASSIGN(config.kv_heads, fields.size("num_key_value_heads", config.heads));
    FP4_ASSIGN(config.ffn, fields.size("intermediate_size"));
    FP4_ASSIGN(config.context_length, fields.size("max_position_embeddings", 2048));
    if (config.heads == 0) return error(Status::format, source, ": 'num_attention_heads' is 0");
    bool is_gemma = config.architecture == Architecture::gemma3;
    FP4_ASSIGN(config.head_dim, fields.size("head_dim", is_gemma ? 256 : config.hidden / config.heads));
    config.attention_scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
    FP4_ASSIGN(double epsilon, fields.number("rms_norm_eps", 1e-6));
    config.norm_epsilon = static_cast<float>(epsilon);
    FP4_ASSIGN(config.tied_head, fields.boolean("tie_word_embeddings", is_gemma));
    FP4_ASSIGN(bool attention_bias, fields.boolean("attention_bias", false));
    config.qkv_bias = attention_bias || config.architecture == Architecture::qwen2;
    config.output_bias = attention_bias && config.architecture != Architecture::qwen2;
    FP4_ASSIGN(config.mlp_bias, fields.boolean("mlp_bias", false));
    config.qk_norm = config.architecture == Architecture::qwen3;
    if (is_gemma) FP4_TRY(parse_gemma3(fields, config));
    FP4_TRY(parse_activation(fields, config));
    FP4_TRY(parse_ropes(fields, config));
    FP4_TRY(parse_layer_types(fields, config));
    FP4_TRY(parse_special_tokens(fields, config));
    FP4_TRY(parse_extension(fields, config));
    FP4_TRY(validate_config(config, source));
    return config;
}

std::string config_to_json(const ModelConfig& config) {
    JsonWriter json(2);
    json.begin_object();
    json.member("model_type", architecture_name(config.architecture));
    json.member("vocab_size", config.vocabulary);
    json.member("hidden_size", config.hidden);
    json.member("num_hidden_layers", config.layers);
    json.member("num_attention_heads", config.heads);
    json.member("num_key_value_heads", config.kv_heads);
    json.member("head_dim", config.head_dim);
    json.member("intermediate_size", config.ffn);
    json.member("max_position_embeddings", config.context_length);
    json.member("rms_norm_eps", double(config.norm_epsilon));
    json.member("tie_word_embeddings", config.tied_head);
    json.member("attention_bias", config.qkv_bias);
    json.member("mlp_bias", config.mlp_bias);
    json.member("hidden_act", config.glu == Glu::silu ? "silu" : "gelu_pytorch_tanh");
    json.key("rope_parameters");
    json.begin_object();
    write_rope(json, "full_attention", config.rope);
    write_rope(json, "sliding_attention", config.rope_local);
    json.end_object();
    if (config.sliding_window > 0) json.member("sliding_window", config.sliding_window);
    json.key("layer_types");
    json.begin_array();
    for (uint8_t is_sliding : config.sliding) json.value(is_sliding ? "sliding_attention" : "full_attention");
    json.end_array();
    if (config.architecture == Architecture::gemma3) {
        json.member("query_pre_attn_scalar", 1.0 / (double(config.attention_scale) * config.attention_scale));
    }
    if (config.bos_token >= 0) json.member("bos_token_id", config.bos_token);
    if (!config.eos_tokens.empty()) {
        json.key("eos_token_id");
        json.begin_array();
        for (int32_t token : config.eos_tokens) json.value(token);
        json.end_array();
    }
    write_extension(json, config);
    json.end_object();
    return json.take();
}

} // namespace fp4
