// Template source -> tokens, with Jinja's white space rules for trim_blocks and lstrip_blocks, both on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libfp4/base/result.h"

namespace fp4::chat {

enum class TokenKind {
    text,           // outside any tag
    variable_begin, // {{
    variable_end,
    block_begin, // {%
    block_end,
    name,
    string, // unescaped
    integer,
    real,
    symbol, // operators and brackets
    end,
};

struct Token {
    TokenKind kind;
    int line;
    std::string text;
    bool is(TokenKind wanted, std::string_view wanted_text) const {
        return kind == wanted && text == wanted_text;
    }
};

// The last token is always `end`.
Result<std::vector<Token>> tokenize(std::string_view source, std::string_view template_name);

// Newlines as \n, and without the one that ends the file.
std::string normalize_newlines(std::string_view source);

Error syntax_error(std::string_view template_name, int line, std::string_view message);

} // namespace fp4::chat
