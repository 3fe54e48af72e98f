#include "api/sampling_config.h"

#include <cmath>

#include "api/shim.h"

namespace fp4::api {

fp4_sampling default_sampling() {
    fp4_sampling sampling{};
    sampling.temperature = 0.8f;
    sampling.top_k = 40;
    sampling.top_p = 0.95f;
    sampling.min_p = 0.05f;
    sampling.repetition_penalty = 1.0f;
    sampling.penalty_last_n = 64;
    return sampling;
}

Result<SamplingChoice> read_sampling(const fp4_sampling* sampling) {
    SamplingChoice choice;
    if (!sampling) return choice;
    fp4_sampling known = default_sampling();
    FP4_TRY(read_struct(sampling, 0, known, "sampling"));
    struct Bound {
        const char* name;
        float value, least, most;
    };
    const Bound bounds[] = {
        {"temperature", known.temperature, 0.0f, 100.0f},
        {"top_p", known.top_p, 0.0f, 1.0f},
        {"min_p", known.min_p, 0.0f, 1.0f},
        {"repetition_penalty", known.repetition_penalty, 0.01f, 100.0f},
        {"presence_penalty", known.presence_penalty, -100.0f, 100.0f},
        {"frequency_penalty", known.frequency_penalty, -100.0f, 100.0f},
    };
    for (const Bound& bound : bounds) {
        if (!(bound.value >= bound.least && bound.value <= bound.most)) {
            return error(Status::argument, "sampling->", bound.name, " = ", bound.value, " is outside ",
                         bound.least, "..", bound.most);
        }
    }
    if (known.top_k < 0 || known.penalty_last_n < 0) {
        return error(Status::argument, "sampling->top_k or penalty_last_n is negative");
    }
    choice.config = {known.temperature,
                     known.top_k,
                     known.top_p,
                     known.min_p,
                     known.repetition_penalty,
                     known.presence_penalty,
                     known.frequency_penalty,
                     known.penalty_last_n,
                     known.seed};
    constexpr uint64_t most_biases = 1u << 24;
    if (known.bias_count > most_biases)
        return error(Status::limit, "sampling->bias_count ", known.bias_count, " is too large");
    if (known.bias_count > 0) FP4_TRY(require(known.bias, "sampling->bias"));
    for (uint64_t i = 0; i < known.bias_count; ++i) {
        if (std::isnan(known.bias[i].bias))
            return error(Status::argument, "sampling->bias[", i, "] is not a number");
        choice.bias.push_back({known.bias[i].token, known.bias[i].bias});
    }
    return choice;
}

} // namespace fp4::api
