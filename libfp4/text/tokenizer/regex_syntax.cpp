#include "libfp4/text/tokenizer/regex_syntax.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libfp4/text/tokenizer/regex_names.h"

namespace fp4::tokenization {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

Error unsupported(std::string_view what) {
    return error(Status::unsupported, "regular expression: ", what, " is not supported");
}

class Translator {
  public:
    explicit Translator(std::string_view pattern) : in_(pattern) {}

    Result<std::string> run() {
        while (!done()) {
            switch (peek()) {
                case '\\':
                    FP4_TRY(escape());
                    break;
                case '[': {
                    atom_ = out_.size();
                    FP4_ASSIGN(Set set, parse_set(0));
                    out_ += written(set);
                    break;
                }
                case '(':
                    open_group();
                    break;
                case ')':
                    if (groups_.empty()) return error(Status::format, "regular expression: ')' without '('");
                    atom_ = groups_.back();
                    groups_.pop_back();
                    out_ += take();
                    break;
                case '{':
                    interval();
                    break;
                case '*':
                case '+':
                case '?':
                    out_ += take();
                    if (peek() == '?' || peek() == '+') out_ += take();
                    break;
                default:
                    character();
            }
        }
        return std::move(out_);
    }

  private:
    // One bracketed set: the union of `items`, cut with the sets in `and_also`, negated as a whole or not.
    struct Set {
        std::string items;
        bool negated = false;
        std::vector<std::string> and_also; // each a complete "[...]"
    };
    static constexpr int max_set_depth = 16;

    bool done() const { return at_ >= in_.size(); }
    char peek(size_t ahead = 0) const { return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0'; }
    char take() { return in_[at_++]; }
    bool take_if(std::string_view text) {
        if (in_.substr(at_, text.size()) != text) return false;
        at_ += text.size();
        return true;
    }

    static std::string bracketed(std::string_view items, bool negated) {
        return concat(negated ? "[^" : "[", items, ']');
    }

    static std::string written(const Set& set) {
        if (set.and_also.empty()) return bracketed(set.items, set.negated);
        std::string all;
        for (const auto& other : set.and_also) all += concat("(?=", other, ")");
        all += bracketed(set.items, false);
        return set.negated ? concat("(?:(?!", all, ")(?s:.))") : concat("(?:", all, ")");
    }

    void character() {
        atom_ = out_.size();
        bool alternation = peek() == '|';
        out_ += take();
        while (!done() && (static_cast<unsigned char>(peek()) & 0xC0) == 0x80)
            out_ += take(); // rest of one character
        if (alternation) atom_ = out_.size();
    }

    void open_group() {
        groups_.push_back(out_.size());
        out_ += take();
        if (peek() != '?') return;
        out_ += take();
        // Option letters, up to ':' or ')'. Anything else (look-around, names) is the same in both.
        size_t end = at_;
        while (end < in_.size() && (in_[end] == 'i' || in_[end] == 'm' || in_[end] == 'x' || in_[end] == '-'))
            ++end;
        if (end == in_.size() || (in_[end] != ':' && in_[end] != ')')) return;
        while (at_ < end) {
            char option = take();
            out_ += option == 'm' ? 's' : option;
        }
    }

    void interval() {
        size_t end = at_ + 1;
        auto digits = [&] {
            size_t begin = end;
            while (end < in_.size() && is_digit(in_[end])) ++end;
            return in_.substr(begin, end - begin);
        };
        auto low = digits();
        bool range = end < in_.size() && in_[end] == ',';
        std::string_view high;
        if (range) {
            ++end;
            high = digits();
        }
        if (end >= in_.size() || in_[end] != '}' || (low.empty() && high.empty())) {
            atom_ = out_.size();
            out_ += "\\{";
            ++at_;
            return;
        }
        at_ = end + 1;
        out_ += concat("{", low.empty() ? std::string_view("0") : low, range ? "," : "", high, "}");
        bool repeat = peek() == '+', maybe = peek() == '?' && !range;
        if (repeat || maybe) {
            out_.insert(atom_, "(?:");
            out_ += concat(")", take());
        } else if (peek() == '?') {
            out_ += take();
        }
    }

    Result<void> escape() {
        atom_ = out_.size();
        switch (peek(1)) {
            case 's':
                return replace_escape(bracketed(space_set, false));
            case 'S':
                return replace_escape(bracketed(space_set, true));
            case 'w':
                return replace_escape(lone_word(false));
            case 'W':
                return replace_escape(lone_word(true));
            case 'h':
                return replace_escape(bracketed(hex_set, false));
            case 'H':
                return replace_escape(bracketed(hex_set, true));
            case 'O':
                return replace_escape("(?s:.)");
            case 'b':
                return replace_escape(word_boundary(true));
            case 'B':
                return replace_escape(word_boundary(false));
            default: {
                FP4_ASSIGN(std::string same, common_escape());
                out_ += same;
                return {};
            }
        }
    }

    Result<void> replace_escape(const std::string& text) {
        at_ += 2;
        out_ += text;
        return {};
    }

    static std::string lone_word(bool negated) {
        return bracketed(concat(word_set, latin1_numbers), negated);
    }

    static std::string word_boundary(bool at_boundary) {
        auto word = lone_word(false);
        return at_boundary ? concat("(?:(?<=", word, ")(?!", word, ")|(?<!", word, ")(?=", word, "))")
                           : concat("(?:(?<=", word, ")(?=", word, ")|(?<!", word, ")(?!", word, "))");
    }

    // Escapes that mean the same inside and outside of a set.
    Result<std::string> common_escape() {
        if (at_ + 1 >= in_.size()) return error(Status::format, "regular expression ends in a backslash");
        char kind = peek(1);
        if (kind == 'u') {
            auto digits = in_.substr(std::min(at_ + 2, in_.size()), 4);
            if (digits.size() != 4 || !std::all_of(digits.begin(), digits.end(), is_hex)) {
                return error(Status::format, "regular expression: \\u needs four hexadecimal digits");
            }
            at_ += 6;
            return concat("\\x{", digits, "}");
        }
        if ((kind == 'p' || kind == 'P') && peek(2) == '{') return property(kind);
        std::string same(in_.substr(at_, 2));
        at_ += 2;
        while (!done() && (static_cast<unsigned char>(peek()) & 0xC0) == 0x80) same += take();
        return same;
    }

    std::string property(char kind) {
        size_t end = std::min(in_.find('}', at_), in_.size());
        std::string_view name = in_.substr(at_ + 3, end - at_ - 3);
        at_ = std::min(end + 1, in_.size());
        std::string_view negation = name.substr(0, name.starts_with('^') ? 1 : 0);
        return concat("\\", kind, "{", negation, pcre2_property(name.substr(negation.size())), "}");
    }

    Result<Set> parse_set(int depth) {
        if (depth > max_set_depth) return unsupported("a character class nested this deep");
        ++at_;
        bool negated = take_if("^");
        std::vector<Set> operands(1);
        for (bool first = true;; first = false) {
            if (done()) return error(Status::format, "regular expression: '[' without ']'");
            Set& operand = operands.back();
            if (peek() == ']' && !first) break;
            if (take_if("&&")) {
                operands.emplace_back();
            } else if (in_.substr(at_, 2) == "[:" && in_.find(":]", at_) != std::string_view::npos) {
                size_t end = in_.find(":]", at_) + 2;
                auto whole = in_.substr(at_, end - at_);
                operand.items += posix_set(whole.substr(2, whole.size() - 4)).value_or(whole);
                at_ = end;
            } else if (peek() == '[') {
                FP4_ASSIGN(Set nested, parse_set(depth + 1));
                bool alone = operand.items.empty() && (peek() == ']' || in_.substr(at_, 2) == "&&");
                if (!nested.and_also.empty() || operand.negated || (nested.negated && !alone)) {
                    return unsupported("a union of this kind of character class");
                }
                operand.items += nested.items;
                operand.negated = nested.negated;
            } else if (peek() == '\\') {
                FP4_TRY(set_escape(operand.items));
            } else {
                operand.items += take();
            }
        }
        ++at_;
        if (operands.size() == 1) {
            operands[0].negated = operands[0].negated != negated;
            return std::move(operands[0]);
        }
        // One operand becomes the class itself, the others conditions on it; a plain one is wanted for the
        // class.
        auto plain = std::find_if(operands.begin(), operands.end(), [](const Set& s) { return !s.negated; });
        Set result{plain == operands.end() ? std::string(R"(\x{0}-\x{10ffff})") : plain->items, negated, {}};
        for (auto operand = operands.begin(); operand != operands.end(); ++operand) {
            if (operand != plain) result.and_also.push_back(bracketed(operand->items, operand->negated));
        }
        return result;
    }

    Result<void> set_escape(std::string& items) {
        std::string_view set;
        switch (peek(1)) {
            case 's':
                set = space_set;
                break;
            case 'S':
                set = not_space_set;
                break;
            case 'w':
                set = word_set;
                break;
            case 'h':
                set = hex_set;
                break;
            case 'W':
                return unsupported("\\W inside a character class");
            case 'H':
                return unsupported("\\H inside a character class");
            default: {
                FP4_ASSIGN(std::string same, common_escape());
                items += same;
                return {};
            }
        }
        at_ += 2;
        items += set;
        if (peek() == '-' && peek(1) != ']') {
            items += "\\-"; // a set is no end of a range
            ++at_;
        }
        return {};
    }

    std::string_view in_;
    size_t at_ = 0;
    std::string out_;
    size_t atom_ = 0;            // where in out_ the last repeatable item begins
    std::vector<size_t> groups_; // where in out_ the open groups begin
};

} // namespace

Result<std::string> pcre2_from_oniguruma(std::string_view pattern) {
    return Translator(pattern).run();
}

} // namespace fp4::tokenization
