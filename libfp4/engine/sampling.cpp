#include "libfp4/engine/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "libfp4/base/split_mix.h"

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

bool has_penalties(const SamplingConfig& config) {
    bool off = config.repetition_penalty == 1.0f && config.presence_penalty == 0.0f &&
               config.frequency_penalty == 0.0f;
    return !off && config.penalty_last_n > 0;
}

void apply_penalties(std::vector<float>& logits, const SamplingConfig& config,
                     std::span<const int32_t> history) {
    if (!has_penalties(config)) return;
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

// The largest logit, or -Inf. Sixteen maxima side by side, so that compilers use vectors; NaN never wins.
float largest_logit(std::span<const float> logits) {
    constexpr size_t lanes = 16;
    float largest[lanes];
    std::fill_n(largest, lanes, forbidden);
    size_t whole = logits.size() / lanes * lanes;
    for (size_t i = 0; i < whole; i += lanes) {
        for (size_t j = 0; j < lanes; ++j)
            largest[j] = logits[i + j] > largest[j] ? logits[i + j] : largest[j];
    }
    float result = *std::max_element(largest, largest + lanes);
    for (size_t i = whole; i < logits.size(); ++i) result = logits[i] > result ? logits[i] : result;
    return result;
}

// Sorts no more than is asked for: most draws need a few tokens of a large vocabulary.
class MostLikelyFirst {
  public:
    explicit MostLikelyFirst(std::vector<Candidate> candidates) : heap_(std::move(candidates)) {
        std::make_heap(heap_.begin(), heap_.end(), worse);
    }
    size_t left() const { return heap_.size(); }
    Candidate pop() {
        std::pop_heap(heap_.begin(), heap_.end(), worse);
        Candidate best = heap_.back();
        heap_.pop_back();
        return best;
    }

  private:
    static bool worse(const Candidate& a, const Candidate& b) { return better(b, a); }
    std::vector<Candidate> heap_;
};

// The top_k candidates, without those a draw cannot reach: the weights of all that are left out here sum up
// to less than 2^-24 of the largest one, and a draw has 24 bits.
std::vector<Candidate> reachable_candidates(std::span<const float> logits, float top,
                                            const SamplingConfig& config) {
    double range = std::log(0x1p24 * static_cast<double>(logits.size())) * config.temperature;
    auto least = static_cast<float>(top - range);
    std::vector<Candidate> candidates;
    for (size_t i = 0; i < logits.size(); ++i) {
        if (!(logits[i] < least) && logits[i] > forbidden)
            candidates.push_back({logits[i], static_cast<int32_t>(i)});
    }
    auto keep = static_cast<size_t>(std::max(config.top_k, 0));
    if (keep > 0 && keep < candidates.size()) {
        std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(keep),
                         candidates.end(), better);
        candidates.resize(keep);
    }
    return candidates;
}

int32_t draw_candidate(std::vector<Candidate> candidates, float top, const SamplingConfig& config,
                       float uniform) {
    // A logit of +Inf (a bias) takes everything instead of making NaN.
    auto weight = [&](const Candidate& candidate) {
        double distance = candidate.logit == top ? 0.0 : double(candidate.logit) - top;
        return std::exp(distance / config.temperature);
    };
    double total = 0.0;
    for (const Candidate& candidate : candidates) total += weight(candidate);
    size_t count = candidates.size();
    MostLikelyFirst rest(std::move(candidates));
    struct Weighted {
        int32_t token;
        double weight;
    };
    std::vector<Weighted> sorted;
    auto sort_next = [&] {
        Candidate next = rest.pop();
        sorted.push_back({next.token, weight(next)});
        return sorted.back().weight;
    };
    // top-p: the smallest set that reaches its share of all; min-p: relative to the most likely one, which
    // stays.
    if (config.top_p < 1.0f || config.min_p > 0.0f) {
        double kept = 0.0;
        while (rest.left() > 0 && (config.top_p >= 1.0f || sorted.empty() || kept < total * config.top_p)) {
            double next = sort_next();
            if (sorted.size() > 1 && next < config.min_p * sorted.front().weight) {
                sorted.pop_back();
                break;
            }
            kept += next;
        }
        count = sorted.size();
        total = kept;
    }
    double target = uniform * total;
    for (size_t i = 0; i < count; ++i) {
        if (i == sorted.size()) sort_next();
        target -= sorted[i].weight;
        if (target < 0) return sorted[i].token;
    }
    return sorted.back().token;
}

} // namespace

float uniform_draw(uint64_t seed, uint64_t counter) {
    return static_cast<float>(split_mix(seed, counter) >> 40) * 0x1p-24f;
}

bool changes_logits(const SampleRequest& request) {
    return !request.bias.empty() || has_penalties(*request.config);
}

int32_t sample_token(std::span<const float> raw, const SampleRequest& request) {
    const SamplingConfig& config = *request.config;
    std::span<const float> logits = raw;
    std::vector<float> changed;
    if (changes_logits(request)) {
        changed.assign(raw.begin(), raw.end());
        apply_bias(changed, request.bias);
        apply_penalties(changed, config, request.history);
        logits = changed;
    }
    float top = largest_logit(logits);
    if (top == forbidden) return -1;
    if (config.temperature <= 0.0f) {
        return static_cast<int32_t>(std::find(logits.begin(), logits.end(), top) - logits.begin());
    }
    return draw_candidate(reachable_candidates(logits, top, config), top, config,
                          uniform_draw(config.seed, request.counter));
}

} // namespace fp4
