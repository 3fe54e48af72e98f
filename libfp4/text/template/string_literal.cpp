#include "libfp4/text/template/string_literal.h"

#include <charconv>

#include "libfp4/text/template/unicode.h"

namespace fp4::chat {

namespace {

// The code point written as `count` digits at the start of `digits`.
Result<char32_t> numbered(std::string_view digits, size_t count, int base) {
    uint32_t code = 0;
    digits = digits.substr(0, count);
    auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), code, base);
    if (digits.size() != count || status != std::errc() || end != digits.data() + digits.size()) {
        return error(Status::format, "a string has a truncated \\x, \\u or \\U escape");
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        return error(Status::format, "a string escapes a code point that does not exist");
    }
    return static_cast<char32_t>(code);
}

char simple_escape(char c) {
    switch (c) {
        case 'n':
            return '\n';
        case 't':
            return '\t';
        case 'r':
            return '\r';
        case 'a':
            return '\a';
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'v':
            return '\v';
        case '\\':
        case '\'':
        case '"':
            return c;
        default:
            return '\0';
    }
}

} // namespace

Result<std::string> unescape(std::string_view literal) {
    std::string out;
    for (size_t at = 0; at < literal.size(); ++at) {
        if (literal[at] != '\\' || at + 1 == literal.size()) {
            out += literal[at];
            continue;
        }
        char c = literal[++at];
        std::string_view rest = literal.substr(at + 1);
        if (char plain = simple_escape(c)) {
            out += plain;
        } else if (c == '\n') {
            continue; // a line continuation
        } else if (c == 'x' || c == 'u' || c == 'U') {
            size_t count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
            FP4_ASSIGN(char32_t code, numbered(rest, count, 16));
            append_utf8(out, code);
            at += count;
        } else if (c >= '0' && c <= '7') {
            size_t count = 1;
            while (count < 3 && at + count < literal.size() && literal[at + count] >= '0' &&
                   literal[at + count] <= '7') {
                ++count;
            }
            FP4_ASSIGN(char32_t code, numbered(literal.substr(at), count, 8));
            append_utf8(out, code);
            at += count - 1;
        } else if (c == 'N') {
            return error(Status::unsupported, "a string has a \\N{...} escape, which is not supported");
        } else {
            out += '\\';
            out += c;
        }
    }
    return out;
}

} // namespace fp4::chat
