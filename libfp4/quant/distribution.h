// Next-token distributions from logits, compared in double precision.
#pragma once

#include <cstdint>
#include <span>

namespace fp4 {

// log of the sum of exp(logits).
double log_sum_exp(std::span<const float> logits);

size_t argmax(std::span<const float> logits); // ties: lowest index

// Kullback-Leibler divergence sum p (log p - log q) of softmax(base) from softmax(other), in nats.
double kl_divergence(std::span<const float> base, std::span<const float> other);

} // namespace fp4
