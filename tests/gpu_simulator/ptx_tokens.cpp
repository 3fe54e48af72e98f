#include "tests/gpu_simulator/ptx_tokens.h"

#include <cctype>

namespace fp4::gpu_simulator {
namespace {

bool in_name(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '$' || c == '%';
}

} // namespace

std::vector<Token> tokenize(std::string_view ptx) {
    std::vector<Token> tokens;
    uint32_t line = 1;
    for (size_t i = 0; i < ptx.size();) {
        const char c = ptx[i];
        if (c == '\n') ++line;
        if (std::isspace(static_cast<unsigned char>(c)) || c == '\0') {
            ++i;
        } else if (ptx.substr(i, 2) == "//") {
            while (i < ptx.size() && ptx[i] != '\n') ++i;
        } else if (c == '"') {
            const size_t end = ptx.find('"', i + 1);
            tokens.push_back({ptx.substr(i, end - i + 1), line});
            i = end + 1;
        } else if (in_name(c)) {
            const size_t begin = i;
            while (i < ptx.size() && (in_name(ptx[i]) || ptx.substr(i, 2) == "::"))
                i += ptx[i] == ':' ? 2 : 1;
            tokens.push_back({ptx.substr(begin, i - begin), line});
        } else {
            tokens.push_back({ptx.substr(i, 1), line});
            ++i;
        }
    }
    return tokens;
}

} // namespace fp4::gpu_simulator
