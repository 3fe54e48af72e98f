// PTX text as tokens: names (with dots and "::"), numbers, and single characters.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace fp4::gpu_simulator {

struct Token {
    std::string_view text; // into the PTX
    uint32_t line = 0;
};

std::vector<Token> tokenize(std::string_view ptx);

} // namespace fp4::gpu_simulator
