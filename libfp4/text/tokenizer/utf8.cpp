#include "libfp4/text/tokenizer/utf8.h"

#include <cstring>

namespace fp4::tokenization {

namespace {

constexpr Utf8Char invalid(uint32_t length) {
    return {U'\uFFFD', length, false};
}

} // namespace

Utf8Char decode_utf8(std::string_view text, size_t position) {
    auto byte = [&](size_t i) { return static_cast<uint8_t>(text[position + i]); };
    size_t left = text.size() - position;
    uint8_t lead = byte(0);
    if (lead < 0x80) return {lead, 1, true};
    if (lead < 0xC2 || lead > 0xF4) return invalid(1);
    uint32_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    // The second byte has a narrower range after four lead bytes: no overlong forms, surrogates, or values
    // beyond U+10FFFF.
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    char32_t value = lead & (0x7F >> length);
    for (uint32_t i = 1; i < length; ++i) {
        if (i >= left || byte(i) < low || byte(i) > high) return invalid(i);
        value = value << 6 | (byte(i) & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    return {value, length, true};
}

size_t valid_utf8_prefix(std::string_view text) {
    size_t position = 0;
    while (position < text.size()) {
        uint64_t word;
        if (text.size() - position >= sizeof(word)) {
            std::memcpy(&word, text.data() + position, sizeof(word));
            if ((word & 0x8080808080808080ull) == 0) {
                position += sizeof(word);
                continue;
            }
        }
        Utf8Char c = decode_utf8(text, position);
        if (!c.valid) break;
        position += c.length;
    }
    return position;
}

void append_utf8(std::string& out, char32_t c) {
    auto tail = [&](int shift) { out += static_cast<char>(0x80 | (c >> shift & 0x3F)); };
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xC0 | c >> 6);
        tail(0);
    } else if (c < 0x10000) {
        out += static_cast<char>(0xE0 | c >> 12);
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xF0 | c >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

std::string replace_invalid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (size_t position = 0; position < text.size();) {
        size_t valid = valid_utf8_prefix(text.substr(position));
        out += text.substr(position, valid);
        position += valid;
        if (position < text.size()) {
            append_utf8(out, U'\uFFFD');
            position += decode_utf8(text, position).length;
        }
    }
    return out;
}

} // namespace fp4::tokenization
