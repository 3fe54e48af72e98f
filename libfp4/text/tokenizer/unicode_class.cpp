#include "libfp4/text/tokenizer/unicode_class.h"

#include <utf8proc.h>

namespace fp4::tokenization {

namespace {

utf8proc_category_t category(char32_t c) {
    return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

// Symbols that have the property Alphabetic: circled and squared letters.
bool is_alphabetic_symbol(char32_t c) {
    return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
           (c >= 0x1F170 && c <= 0x1F189);
}

} // namespace

bool is_whitespace(char32_t c) {
    if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_numeric(char32_t c) {
    auto group = category(c);
    return group == UTF8PROC_CATEGORY_ND || group == UTF8PROC_CATEGORY_NL || group == UTF8PROC_CATEGORY_NO;
}

bool is_punctuation(char32_t c) {
    if (c < 0x80) {
        return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
               (c >= '{' && c <= '~');
    }
    auto group = category(c);
    return group >= UTF8PROC_CATEGORY_PC && group <= UTF8PROC_CATEGORY_PO;
}

bool is_word(char32_t c) {
    auto group = category(c);
    return (group >= UTF8PROC_CATEGORY_LU && group <= UTF8PROC_CATEGORY_NL) ||
           group == UTF8PROC_CATEGORY_PC || c == 0x200C || c == 0x200D || is_alphabetic_symbol(c);
}

bool is_mark(char32_t c) {
    auto group = category(c);
    return group >= UTF8PROC_CATEGORY_MN && group <= UTF8PROC_CATEGORY_ME;
}

} // namespace fp4::tokenization
