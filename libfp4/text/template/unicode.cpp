#include "libfp4/text/template/unicode.h"

#include <utf8proc.h>

#include <algorithm>

namespace fp4::chat {

size_t count_code_points(std::string_view text) {
    size_t starts = static_cast<size_t>(std::ranges::count_if(text, starts_code_point));
    // Continuation bytes without a start, at the very front, count as one.
    return starts + (!text.empty() && !starts_code_point(text[0]));
}

std::string_view code_point_at(std::string_view text, size_t offset) {
    size_t end = offset + 1;
    while (end < text.size() && !starts_code_point(text[end])) ++end;
    return text.substr(offset, end - offset);
}

size_t code_point_offset(std::string_view text, size_t index) {
    size_t offset = 0;
    while (index > 0 && offset < text.size()) {
        offset += code_point_at(text, offset).size();
        --index;
    }
    return offset;
}

char32_t decode(std::string_view code_point) {
    if (code_point.size() == 1 && static_cast<unsigned char>(code_point[0]) < 0x80) {
        return static_cast<unsigned char>(code_point[0]);
    }
    utf8proc_int32_t decoded = 0;
    auto used = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(code_point.data()),
                                 static_cast<utf8proc_ssize_t>(code_point.size()), &decoded);
    return used == static_cast<utf8proc_ssize_t>(code_point.size()) ? static_cast<char32_t>(decoded)
                                                                    : U'\uFFFD';
}

void append_utf8(std::string& out, char32_t code_point) {
    utf8proc_uint8_t bytes[4];
    auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code_point), bytes);
    out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

namespace {

// Knuth-Morris-Pratt: linear for every needle, which neither string_view::find nor std::boyer_moore_searcher
// of common standard libraries is.
size_t find_linear(std::string_view text, std::string_view needle) {
    std::vector<size_t> border(needle.size() +
                               1); // border[n]: longest proper prefix of needle[0, n) that ends it
    for (size_t i = 1, length = 0; i < needle.size(); ++i) {
        while (length > 0 && needle[i] != needle[length]) length = border[length];
        length += needle[i] == needle[length];
        border[i + 1] = length;
    }
    for (size_t i = 0, matched = 0; i < text.size(); ++i) {
        while (matched > 0 && text[i] != needle[matched]) matched = border[matched];
        matched += text[i] == needle[matched];
        if (matched == needle.size()) return i + 1 - matched;
    }
    return std::string_view::npos;
}

} // namespace

Result<size_t> find(Heap& heap, std::string_view text, std::string_view needle, size_t from) {
    if (from > text.size() || needle.size() > text.size() - from) return std::string_view::npos;
    constexpr size_t long_needle = 16; // up to here the quadratic worst case costs no more
    if (needle.size() > long_needle) {
        FP4_TRY(heap.spend(1 + (needle.size() + text.size() - from) / 16));
        FP4_TRY(heap.charge(needle.size() * sizeof(size_t)));
        size_t at = find_linear(text.substr(from), needle);
        return at == std::string_view::npos ? at : at + from;
    }
    size_t at = text.find(needle, from);
    size_t searched = (at == std::string_view::npos ? text.size() : at) - from;
    FP4_TRY(heap.spend(1 + searched / 16));
    return at;
}

Result<size_t> find_last(Heap& heap, std::string_view text, std::string_view needle) {
    // rfind compares the needle anew at every position.
    FP4_TRY(heap.spend(1 + (needle.size() > 16 ? text.size() / 64 * needle.size() : 0)));
    size_t at = text.rfind(needle);
    FP4_TRY(heap.spend((text.size() - (at == std::string_view::npos ? 0 : at)) / 16));
    return at;
}

bool is_space(char32_t c) {
    // str.isspace(): bidirectional class WS, B, S or category Zs
    if (c <= 0x20) return c == 0x20 || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
    if (c < 0x80) return false;
    return c == 0x85 || c == 0x2028 || c == 0x2029 ||
           utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_ZS;
}

namespace {

template <class Unwanted>
std::string_view strip_where(std::string_view text, Side side, Unwanted unwanted) {
    while (side != Side::right && !text.empty()) {
        std::string_view first = code_point_at(text, 0);
        if (!unwanted(first)) break;
        text.remove_prefix(first.size());
    }
    while (side != Side::left && !text.empty()) {
        size_t start = text.size() - 1;
        while (start > 0 && !starts_code_point(text[start])) --start;
        if (!unwanted(text.substr(start))) break;
        text.remove_suffix(text.size() - start);
    }
    return text;
}

bool is_upper(char32_t c) {
    return c < 0x80 ? c >= 'A' && c <= 'Z' : utf8proc_isupper(static_cast<utf8proc_int32_t>(c));
}
bool is_lower(char32_t c) {
    return c < 0x80 ? c >= 'a' && c <= 'z' : utf8proc_islower(static_cast<utf8proc_int32_t>(c));
}
bool is_cased(char32_t c) {
    return is_upper(c) || is_lower(c) ||
           (c >= 0x80 && utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_LT);
}

void append_upper(std::string& out, char32_t c, bool title) {
    if (c < 0x80) {
        out += static_cast<char>(c >= 'a' && c <= 'z' ? c - 0x20 : c);
        return;
    }
    // The one character in common use whose capital is two letters (SpecialCasing.txt).
    if (c == U'ß') {
        out += title ? "Ss" : "SS";
        return;
    }
    auto point = static_cast<utf8proc_int32_t>(c);
    append_utf8(out, static_cast<char32_t>(title ? utf8proc_totitle(point) : utf8proc_toupper(point)));
}

void append_lower(std::string& out, char32_t c) {
    if (c < 0x80) {
        out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
        return;
    }
    append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
}

template <class Visit>
void each_code_point(std::string_view text, Visit visit) {
    for (size_t at = 0; at < text.size();) {
        std::string_view bytes = code_point_at(text, at);
        visit(bytes, decode(bytes));
        at += bytes.size();
    }
}

bool in_class(char32_t c, CharacterClass wanted) {
    auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
    bool alpha = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
    bool decimal = category == UTF8PROC_CATEGORY_ND;
    // Superscripts and circled digits are digits but not decimal (Unicode Numeric_Type=Digit).
    bool digit = decimal || c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 ||
                 (c >= 0x2074 && c <= 0x2079) || (c >= 0x2080 && c <= 0x2089) || (c >= 0x2460 && c <= 0x2468);
    bool numeric = digit || category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_NO;
    switch (wanted) {
        case CharacterClass::digit:
            return digit;
        case CharacterClass::decimal:
            return decimal;
        case CharacterClass::numeric:
            return numeric;
        case CharacterClass::alpha:
            return alpha;
        case CharacterClass::alphanumeric:
            return alpha || numeric;
        case CharacterClass::space:
            return is_space(c);
        case CharacterClass::ascii:
            return c < 0x80;
        default:
            return false;
    }
}

bool has_case(std::string_view text, CharacterClass wanted) {
    bool cased = false, matches = true, after_cased = false;
    each_code_point(text, [&](std::string_view, char32_t c) {
        if (wanted == CharacterClass::title) {
            if (is_upper(c) && after_cased) matches = false;
            if (is_lower(c) && !after_cased) matches = false;
        } else if (is_cased(c) && (wanted == CharacterClass::upper) != is_upper(c)) {
            matches = false;
        }
        after_cased = is_cased(c);
        cased = cased || after_cased;
    });
    return cased && matches;
}

} // namespace

std::string_view strip(std::string_view text, Side side) {
    return strip_where(text, side, [](std::string_view bytes) { return is_space(decode(bytes)); });
}

std::string_view strip(std::string_view text, std::string_view characters, Side side) {
    std::vector<std::string_view> unwanted;
    each_code_point(characters, [&](std::string_view bytes, char32_t) { unwanted.push_back(bytes); });
    std::ranges::sort(unwanted);
    return strip_where(text, side,
                       [&](std::string_view bytes) { return std::ranges::binary_search(unwanted, bytes); });
}

std::string change_case(std::string_view text, Case to) {
    std::string out;
    out.reserve(text.size());
    bool first = true, after_cased = false;
    each_code_point(text, [&](std::string_view bytes, char32_t c) {
        bool raise = to == Case::upper || (to == Case::swap && is_lower(c)) ||
                     (to == Case::capitalize && first) || (to == Case::title && !after_cased);
        if (c == U'\uFFFD' || (to == Case::swap && !is_cased(c))) {
            out += bytes;
        } else if (raise) {
            append_upper(out, c, to == Case::capitalize || to == Case::title);
        } else {
            append_lower(out, c);
        }
        first = false;
        after_cased = is_cased(c);
    });
    return out;
}

std::string title_words(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    bool first = true;
    each_code_point(text, [&](std::string_view bytes, char32_t c) {
        if (c == U'\uFFFD') {
            out += bytes;
        } else if (first) {
            append_upper(out, c, false);
        } else {
            append_lower(out, c);
        }
        first = is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    });
    return out;
}

bool all_of_class(std::string_view text, CharacterClass wanted) {
    if (wanted == CharacterClass::upper || wanted == CharacterClass::lower ||
        wanted == CharacterClass::title) {
        return has_case(text, wanted);
    }
    bool all = !text.empty() || wanted == CharacterClass::ascii;
    each_code_point(text, [&](std::string_view, char32_t c) { all = all && in_class(c, wanted); });
    return all;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
    std::vector<std::string_view> lines;
    size_t start = 0;
    for (size_t at = 0; at < text.size();) {
        std::string_view bytes = code_point_at(text, at);
        char32_t c = decode(bytes);
        size_t next = at + bytes.size();
        bool ends =
            (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
        if (ends) {
            if (c == '\r' && next < text.size() && text[next] == '\n') ++next;
            lines.push_back(text.substr(start, (keep_ends ? next : at) - start));
            start = next;
        }
        at = next;
    }
    if (start < text.size()) lines.push_back(text.substr(start));
    return lines;
}

std::string escape_html(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&#34;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

} // namespace fp4::chat
