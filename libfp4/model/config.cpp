#include "libfp4/model/config.h"

#include <cmath>

namespace fp4 {

const char* architecture_name(Architecture architecture) {
    switch (architecture) {
        case Architecture::llama:
            return "llama";
        case Architecture::qwen2:
            return "qwen2";
        case Architecture::qwen3:
            return "qwen3";
        case Architecture::gemma3:
            return "gemma3_text";
    }
    return "unknown";
}

std::vector<float> inverse_frequencies(const RopeConfig& rope, uint32_t head_dim) {
    std::vector<float> frequencies(head_dim / 2);
    for (size_t i = 0; i < frequencies.size(); ++i) {
        double frequency = std::pow(rope.theta, -2.0 * static_cast<double>(i) / head_dim);
        if (rope.scaling == RopeConfig::Scaling::linear) {
            frequency /= rope.factor;
        } else if (rope.scaling == RopeConfig::Scaling::llama3) {
            double wavelength = 2.0 * 3.14159265358979323846 / frequency;
            double low_wavelength = rope.original_context / rope.low_freq_factor;
            double high_wavelength = rope.original_context / rope.high_freq_factor;
            if (wavelength > low_wavelength) {
                frequency /= rope.factor;
            } else if (wavelength > high_wavelength) {
                double smooth = (rope.original_context / wavelength - rope.low_freq_factor) /
                                (rope.high_freq_factor - rope.low_freq_factor);
                frequency = (1.0 - smooth) * frequency / rope.factor + smooth * frequency;
            }
        }
        frequencies[i] = static_cast<float>(frequency);
    }
    return frequencies;
}

Result<void> validate_config(const ModelConfig& config, const std::string& source) {
    struct Bound {
        const char* key;
        uint64_t value;
        uint64_t most;
    };
    const Bound bounds[] = {
        {"vocabulary", config.vocabulary, 1u << 24},  {"hidden size", config.hidden, 1u << 20},
        {"layer count", config.layers, 4096},         {"head count", config.heads, 1u << 14},
        {"kv head count", config.kv_heads, 1u << 14}, {"head dimension", config.head_dim, 4096},
        {"feed-forward size", config.ffn, 1u << 22},  {"context length", config.context_length, 1u << 28},
    };
    for (const Bound& bound : bounds) {
        if (bound.value == 0 || bound.value > bound.most) {
            return error(Status::format, source, ": ", bound.key, " ", bound.value, " is outside 1..",
                         bound.most);
        }
    }
    // With this, sizes of KV caches (2 x layers x tokens x width x 4 bytes) fit 64 bits.
    constexpr uint64_t most_cached_values = 1ull << 56;
    if (uint64_t(config.layers) * config.kv_width() > most_cached_values / config.context_length) {
        return error(Status::limit, source, ": a KV cache of ", config.layers, " layers x ",
                     config.context_length, " tokens x ", config.kv_width(), " values is too large");
    }
    if (config.heads % config.kv_heads != 0) {
        return error(Status::format, source, ": ", config.heads, " heads cannot share ", config.kv_heads,
                     " kv heads");
    }
    if (config.head_dim % 2 != 0) {
        return error(Status::format, source, ": head dimension ", config.head_dim,
                     " is odd; rope needs pairs");
    }
    if (config.sliding.size() != config.layers) {
        return error(Status::format, source, ": ", config.sliding.size(), " layer types for ", config.layers,
                     " layers");
    }
    for (uint8_t is_sliding : config.sliding) {
        if (is_sliding && config.sliding_window == 0) {
            return error(Status::format, source, ": sliding-window layers without a sliding window size");
        }
    }
    const RopeConfig* ropes[] = {&config.rope, &config.rope_local};
    for (const RopeConfig* rope : ropes) {
        if (!(rope->theta > 0) || !std::isfinite(rope->theta) || !(rope->factor > 0) ||
            !std::isfinite(rope->factor)) {
            return error(Status::format, source, ": rope theta ", rope->theta, " or factor ", rope->factor,
                         " is not a positive number");
        }
        if (rope->scaling == RopeConfig::Scaling::llama3 &&
            !(rope->high_freq_factor > rope->low_freq_factor && rope->low_freq_factor > 0 &&
              rope->original_context > 0)) {
            return error(Status::format, source,
                         ": llama3 rope scaling needs 0 < low_freq_factor < high_freq_factor");
        }
    }
    if (!(config.norm_epsilon >= 0) || !std::isfinite(config.norm_epsilon) ||
        !std::isfinite(config.attention_scale) || !std::isfinite(config.embedding_scale)) {
        return error(Status::format, source, ": norm epsilon or a scale is not a finite number");
    }
    return {};
}

} // namespace fp4
