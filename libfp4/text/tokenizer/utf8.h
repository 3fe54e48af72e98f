// UTF-8 as the tokenizers need it: text from a user is any bytes, and bad bytes are found, never trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fp4::tokenization {

struct Utf8Char {
    char32_t code_point = 0; // U+FFFD when not valid
    uint32_t length = 0;     // bytes; of the maximal invalid subpart (Unicode 3.9, table 3-8) when not valid
    bool valid = false;
};

// The character that starts at `position`, which must be inside the text.
Utf8Char decode_utf8(std::string_view text, size_t position);

// Bytes of the longest valid prefix.
size_t valid_utf8_prefix(std::string_view text);

void append_utf8(std::string& out, char32_t code_point);

// Every maximal invalid subpart becomes one U+FFFD, as lossy decoders do.
std::string replace_invalid_utf8(std::string_view text);

} // namespace fp4::tokenization
