// Choosing the next token from logits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace fp4 {

struct LogitBias {
    int32_t token = 0;
    float bias = 0.0f; // added to the logit; -INFINITY forbids the token
};

struct SamplingConfig {
    float temperature = 0.0f;        // 0: greedy
    int32_t top_k = 0;               // 0: off
    float top_p = 1.0f;              // 1: off
    float min_p = 0.0f;              // 0: off
    float repetition_penalty = 1.0f; // 1: off. Keskar et al. 2019 (CTRL), section 4.1
    float presence_penalty = 0.0f;
    float frequency_penalty = 0.0f;
    int32_t penalty_last_n = 64; // tokens of history the penalties look at
    uint64_t seed = 0;
};

// Counter-based random numbers: the same (seed, counter) gives the same draw on every device.
// Uniform in [0, 1), 24 bits. SplitMix64 finalizer (Steele et al. 2014).
float uniform_draw(uint64_t seed, uint64_t counter);

struct SampleRequest {
    const SamplingConfig* config = nullptr;
    std::span<const int32_t> history; // oldest first; penalties look at its last penalty_last_n
    std::span<const LogitBias> bias;
    uint64_t counter = 0; // number of tokens drawn before in this generation
};

// Whether bias or penalties change the logits before a token is drawn.
bool changes_logits(const SampleRequest& request);

// Order: bias, penalties, temperature, top-k, top-p, min-p, draw. Ties go to the lower id. NaN logits count
// as -INFINITY; returns -1 when no token is left.
int32_t sample_token(std::span<const float> logits, const SampleRequest& request);

} // namespace fp4
