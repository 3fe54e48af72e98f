#include "libfp4/engine/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

namespace fp4 {
namespace {

struct Candidate {
    float logit;
    int32_t token;
};

// Higher logit first; ties go to the lower id.
bool better(const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

constexpr float forbidden = -std::numeric_limits<float>::infinity();

void apply_bias(std::vector<float>& logits, std::span<const LogitBias> bias) {
    for (const LogitBias& entry : bias) {
        if (entry.token >= 0 && static_cast<size_t>(entry.token) < logits.size()) {
            logits[static_cast<size_t>(entry.token)] += entry.bias;
        }
    }
}

void apply_penalties(std::vector<float>& logits, const SamplingConfig& config, std::span<const int32_t> history) {
    bool off = config.repetition_penalty == 1.0f && config.presence_penalty == 0.0f && config.frequency_penalty == 0.0f;
    if (off || config.penalty_last_n <= 0) return;
    size_t n = std::min(history.size(), static_cast<size_t>(config.penalty_last_n));
    std::unordered_map<int32_t, int> counts;
    for (int32_t token : history.last(n)) ++counts[token];
    for (auto [token, count] : counts) {
        if (token < 0 || static_cast<size_t>(token) >= logits.size()) continue;
        float& logit = logits[static_cast<size_t>(token)];
        logit = logit > 0 ? logit / config.repetition_penalty : logit * config.repetition_penalty;
        logit -= config.presence_penalty + static_cast<float>(count) * config.frequency_penalty;
    }
}

// The most likely candidates in order.
std::vector<Candidate> ordered_candidates(std::span<const float> logits, size_t keep) {
    std::vector<Candidate> candidates;
    candidates.reserve(logits.size());
    for (size_t i = 0; i < logits.size(); ++i) {
        if (logits[i] > forbidden) candidates.push_back({logits[i], static_cast<int32_t>(i)});
    }
    keep = std::min(keep, candidates.size());
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(keep), candidates.end(), better);
    candidates.resize(keep);
    return candidates;
}

size_t keep_top_p(std::span<const double> weights, double total, float top_p) {
    if (top_p >= 1.0f) return weights.size();
    double sum = 0.0;
    for (size_t i = 0; i < weights.size(); ++i) {
        sum += weights[i];
        if (sum >= total * top_p) return i + 1;
    }
    return weights.size();
}

} // namespace

float uniform_draw(uint64_t seed, uint64_t counter) {
    uint64_t z = seed + (counter + 1) * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    return static_cast<float>(z >> 40) * 0x1p-24f;
}

int32_t sample_token(std::span<const float> raw, const SampleRequest& request) {
    const SamplingConfig& config = *request.config;
    std::vector<float> logits(raw.begin(), raw.end());
    for (float& logit : logits) {
        if (std::isnan(logit)) logit = forbidden;
    }
    apply_bias(logits, request.bias);
    apply_penalties(logits, config, request.history);
    if (config.temperature <= 0.0f) {
        auto best = ordered_candidates(logits, 1);
        return best.empty() ? -1 : best.front().token;
    }
    size_t keep = config.top_k > 0 ? static_cast<size_t>(config.top_k) : logits.size();
    std::vector<Candidate> candidates = ordered_candidates(logits, keep);
    if (candidates.empty()) return -1;
    std::vector<double> weights(candidates.size());
    double total = 0.0;
    // A logit of +Inf (a bias) takes everything instead of making NaN.
    double top = candidates.front().logit;
    for (size_t i = 0; i < weights.size(); ++i) {
        double distance = candidates[i].logit == top ? 0.0 : candidates[i].logit - top;
        weights[i] = std::exp(distance / config.temperature);
        total += weights[i];
    }
    size_t count = keep_top_p(weights, total, config.top_p);
    while (count > 1 && weights[count - 1] < config.min_p * weights[0]) --count;
    total = 0.0;
    for (size_t i = 0; i < count; ++i) total += weights[i];
    double target = uniform_draw(config.seed, request.counter) * total;
    for (size_t i = 0; i < count; ++i) {
        target -= weights[i];
        if (target < 0) return candidates[i].token;
    }
    return candidates[count - 1].token;
}

} // namespace fp4
