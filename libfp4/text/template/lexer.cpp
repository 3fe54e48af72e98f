#include "libfp4/text/template/lexer.h"

#include <algorithm>
#include <array>

#include "libfp4/text/template/string_literal.h"
#include "libfp4/text/template/unicode.h"

namespace fp4::chat {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

constexpr std::array<std::string_view, 26> symbols{"**", "//", "==", "!=", ">=", "<=", "+", "-", "/",
                                                   "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                   ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

class Lexer {
  public:
    Lexer(std::string_view source, std::string_view name) : source_(source), name_(name) {}

    Result<std::vector<Token>> run() {
        while (at_ < source_.size()) {
            size_t tag = next_tag();
            std::string_view text = source_.substr(at_, tag - at_);
            if (tag == source_.size()) {
                add(TokenKind::text, text);
                break;
            }
            char type = source_[tag + 1];
            if (size_t raw = type == '%' ? raw_begin_size(tag) : 0) {
                add_text(text, sign_at(tag + 2), true);
                FP4_TRY(raw_block(tag + raw));
                continue;
            }
            char sign = sign_at(tag + 2);
            add_text(text, sign, type != '{');
            advance(tag + (sign ? 3 : 2));
            if (type == '#') {
                FP4_TRY(comment());
            } else {
                FP4_TRY(this->tag(type == '{'));
            }
        }
        tokens_.push_back({TokenKind::end, line_, ""});
        return std::move(tokens_);
    }

  private:
    Error fail(std::string_view message) const { return syntax_error(name_, line_, message); }

    bool looking_at(size_t at, std::string_view text) const { return source_.substr(at).starts_with(text); }
    char sign_at(size_t at) const {
        return at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at] : '\0';
    }
    size_t skip_space(size_t at) const {
        return static_cast<size_t>(strip(source_.substr(at), Side::left).data() - source_.data());
    }

    // Moves on, counting lines.
    void advance(size_t to) {
        line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                             source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
        line_starting_ = to > at_ ? source_[to - 1] == '\n' : line_starting_;
        at_ = to;
    }

    void add(TokenKind kind, std::string_view text) {
        if (kind == TokenKind::text && text.empty()) return;
        tokens_.push_back({kind, line_, std::string(text)});
    }

    // Text before a tag: `-` strips its white space; else a block that starts its line takes the indentation
    // along.
    void add_text(std::string_view text, char sign, bool takes_indentation) {
        if (sign == '-') {
            text = strip(text, Side::right);
        } else if (sign != '+' && takes_indentation) {
            size_t line_start = text.rfind('\n') + 1;
            bool at_line_start = line_start > 0 || line_starting_;
            if (at_line_start && strip(text.substr(line_start), Side::left).empty())
                text = text.substr(0, line_start);
        }
        add(TokenKind::text, text);
    }

    size_t next_tag() const {
        for (size_t at = source_.find('{', at_); at != source_.npos; at = source_.find('{', at + 1)) {
            if (at + 1 < source_.size() &&
                std::string_view("{%#").find(source_[at + 1]) != std::string_view::npos) {
                return at;
            }
        }
        return source_.size();
    }

    // Size of the end of a tag at `at`, 0 if there is none: "-%}" takes the white space after it along, "%}"
    // one newline (trim_blocks), "+%}" nothing. Variables know neither the `+` nor the newline.
    size_t end_size(size_t at, std::string_view end, bool block) const {
        if (looking_at(at, "-") && looking_at(at + 1, end)) return skip_space(at + 1 + end.size()) - at;
        if (block && looking_at(at, "+") && looking_at(at + 1, end)) return 1 + end.size();
        if (!looking_at(at, end)) return 0;
        return end.size() + (block && looking_at(at + end.size(), "\n"));
    }

    // {% raw %} at `tag`: its size, or 0.
    size_t raw_begin_size(size_t tag) const {
        size_t at = skip_space(tag + 2 + (sign_at(tag + 2) ? 1 : 0));
        if (!looking_at(at, "raw")) return 0;
        at = skip_space(at + 3);
        if (looking_at(at, "-%}")) return skip_space(at + 3) - tag;
        return looking_at(at, "%}") ? at + 2 - tag : 0;
    }

    Result<void> raw_block(size_t body) {
        advance(body);
        for (size_t tag = source_.find("{%", body); tag != source_.npos; tag = source_.find("{%", tag + 2)) {
            size_t at = skip_space(tag + 2 + (sign_at(tag + 2) ? 1 : 0));
            if (!looking_at(at, "endraw")) continue;
            at = skip_space(at + 6);
            size_t end = end_size(at, "%}", true);
            if (end == 0) continue;
            add_text(source_.substr(body, tag - body), sign_at(tag + 2), true);
            advance(at + end);
            return {};
        }
        return fail("Missing end of raw directive");
    }

    Result<void> comment() {
        size_t end = source_.find("#}", at_);
        if (end == source_.npos) return fail("Missing end of comment tag");
        if (end > at_ && sign_at(end - 1)) --end;
        advance(end + end_size(end, "#}", true));
        return {};
    }

    Result<void> tag(bool variable) {
        add(variable ? TokenKind::variable_begin : TokenKind::block_begin, "");
        std::string_view closing = variable ? "}}" : "%}";
        std::string brackets; // the closing ones expected
        while (at_ < source_.size()) {
            if (size_t end = brackets.empty() ? end_size(at_, closing, !variable) : 0) {
                add(variable ? TokenKind::variable_end : TokenKind::block_end, "");
                advance(at_ + end);
                return {};
            }
            size_t space = skip_space(at_);
            if (space > at_) {
                advance(space);
                continue;
            }
            FP4_TRY(token(brackets));
        }
        return fail(variable ? "the template ends inside {{ }}" : "the template ends inside {% %}");
    }

    Result<void> token(std::string& brackets) {
        char c = source_[at_];
        if (is_digit(c)) return number();
        if (size_t size = name_size()) {
            add(TokenKind::name, source_.substr(at_, size));
            advance(at_ + size);
            return {};
        }
        if (c == '"' || c == '\'') return string(c);
        auto symbol = std::ranges::find_if(symbols, [&](std::string_view s) { return looking_at(at_, s); });
        if (symbol == symbols.end()) {
            return fail(concat("unexpected character '", code_point_at(source_, at_), "'"));
        }
        if (c == '(') brackets += ')';
        if (c == '[') brackets += ']';
        if (c == '{') brackets += '}';
        if (c == ')' || c == ']' || c == '}') {
            if (brackets.empty()) return fail(concat("unexpected '", c, "'"));
            if (brackets.back() != c)
                return fail(concat("unexpected '", c, "', expected '", brackets.back(), "'"));
            brackets.pop_back();
        }
        add(TokenKind::symbol, *symbol);
        advance(at_ + symbol->size());
        return {};
    }

    size_t name_size() const {
        size_t at = at_;
        while (at < source_.size()) {
            std::string_view point = code_point_at(source_, at);
            if (point != "_" && !all_of_class(point, CharacterClass::alphanumeric)) break;
            at += point.size();
        }
        return at - at_;
    }

    // Digits with single underscores between them.
    size_t digits_end(size_t at) const {
        size_t start = at;
        while (at < source_.size()) {
            bool separator =
                source_[at] == '_' && at > start && at + 1 < source_.size() && is_digit(source_[at + 1]);
            if (!is_digit(source_[at]) && !separator) break;
            ++at;
        }
        return at;
    }

    Result<void> number() {
        size_t whole = digits_end(at_);
        size_t end = whole;
        bool after_dot = at_ > 0 && source_[at_ - 1] == '.'; // x.0.1 are two integers
        if (!after_dot) {
            if (looking_at(end, ".")) {
                size_t fraction = digits_end(end + 1);
                if (fraction > end + 1) end = fraction;
            }
            if (looking_at(end, "e") || looking_at(end, "E")) {
                size_t exponent = end + 1 + (sign_at(end + 1) ? 1 : 0);
                size_t exponent_end = digits_end(exponent);
                if (exponent_end > exponent) end = exponent_end;
            }
        }
        TokenKind kind = end > whole ? TokenKind::real : TokenKind::integer;
        if (kind == TokenKind::integer && source_[at_] == '0') end = integer_from_zero();
        std::string digits(source_.substr(at_, end - at_));
        std::erase(digits, '_');
        add(kind, digits);
        advance(end);
        return {};
    }

    // 0x.. 0o.. 0b.. or zeros
    size_t integer_from_zero() const {
        std::string_view allowed;
        char base = at_ + 1 < source_.size() ? static_cast<char>(source_[at_ + 1] | 0x20) : '\0';
        if (base == 'x') allowed = "0123456789abcdefABCDEF_";
        if (base == 'o') allowed = "01234567_";
        if (base == 'b') allowed = "01_";
        size_t start = allowed.empty() ? at_ : at_ + 2;
        if (allowed.empty()) allowed = "0_";
        size_t end = std::min(source_.find_first_not_of(allowed, start), source_.size());
        if (end == start) return at_ + 1;
        while (source_[end - 1] == '_') --end;
        return end;
    }

    Result<void> string(char quote) {
        size_t end = at_ + 1;
        while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
        if (end >= source_.size()) return fail("a string is not closed");
        auto text = unescape(source_.substr(at_ + 1, end - at_ - 1));
        if (!text.ok()) return fail(text.error().message);
        add(TokenKind::string, *text);
        advance(end + 1);
        return {};
    }

    std::string_view source_;
    std::string_view name_;
    size_t at_ = 0;
    int line_ = 1;
    bool line_starting_ = true;
    std::vector<Token> tokens_;
};

} // namespace

Result<std::vector<Token>> tokenize(std::string_view source, std::string_view template_name) {
    return Lexer(source, template_name).run();
}

std::string normalize_newlines(std::string_view source) {
    std::string out;
    out.reserve(source.size());
    for (size_t i = 0; i < source.size(); ++i) {
        if (source[i] == '\r') {
            out += '\n';
            if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
        } else {
            out += source[i];
        }
    }
    if (out.ends_with('\n')) out.pop_back();
    return out;
}

Error syntax_error(std::string_view template_name, int line, std::string_view message) {
    return error(Status::format, "template '", template_name, "' line ", line, ": ", message);
}

} // namespace fp4::chat
