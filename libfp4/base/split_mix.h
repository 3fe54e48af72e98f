// Numbers that look random, each by its index alone.
#pragma once

#include <cstdint>

namespace fp4 {

// SplitMix64 (Steele, Lea, Flood 2014): its finalizer over a counter.
constexpr uint64_t split_mix(uint64_t seed, uint64_t counter) {
    uint64_t z = seed + (counter + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

} // namespace fp4
