#include "libfp4/text/tokenizer/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "libfp4/text/tokenizer/text_replace.h"
#include "libfp4/text/tokenizer/unicode_class.h"
#include "libfp4/text/tokenizer/utf8.h"

namespace fp4::tokenization {

namespace {

class UnicodeFormStep final : public NormalizerStep {
  public:
    explicit UnicodeFormStep(UnicodeForm form) {
        bool compose = form == UnicodeForm::nfc || form == UnicodeForm::nfkc;
        bool compatible = form == UnicodeForm::nfkc || form == UnicodeForm::nfkd;
        int options = UTF8PROC_STABLE | (compose ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE);
        if (compatible) options |= UTF8PROC_COMPAT;
        options_ = static_cast<utf8proc_option_t>(options);
    }

    // ASCII is the same in every form and composes with nothing before it, so only the stretches of other
    // characters are normalized, each with the one ASCII character that its first mark may attach to.
    Result<void> apply(std::string& text) const override {
        std::string out;
        for (size_t at = 0; at < text.size();) {
            size_t wide = at;
            while (wide < text.size() && static_cast<unsigned char>(text[wide]) < 0x80) ++wide;
            if (wide == text.size()) {
                if (at == 0) return {};
                out.append(text, at);
                break;
            }
            size_t end = wide;
            while (end < text.size() && static_cast<unsigned char>(text[end]) >= 0x80) ++end;
            size_t begin = wide > at ? wide - 1 : wide;
            out.append(text, at, begin - at);
            FP4_TRY(append_normalized(std::string_view(text).substr(begin, end - begin), out));
            at = end;
        }
        text = std::move(out);
        return {};
    }

  private:
    // utf8proc's own reordering takes quadratic time in a run of marks, so the steps are done one by one:
    // decompose, reorder (Unicode 3.11, D109), compose.
    Result<void> append_normalized(std::string_view part, std::string& out) const {
        std::vector<utf8proc_int32_t> points;
        points.reserve(part.size());
        for (size_t at = 0; at < part.size();) {
            Utf8Char c = decode_utf8(part, at);
            std::array<utf8proc_int32_t, 32> parts; // the longest decomposition has 18
            int boundary = 0;
            auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c.code_point), parts.data(),
                                                 parts.size(), options_, &boundary);
            if (count < 0 || count > static_cast<utf8proc_ssize_t>(parts.size())) {
                return error(Status::internal, "Unicode decomposition: ", utf8proc_errmsg(count));
            }
            points.insert(points.end(), parts.begin(), parts.begin() + count);
            at += c.length;
        }
        reorder_marks(points);
        auto size = static_cast<utf8proc_ssize_t>(points.size());
        if ((options_ & UTF8PROC_COMPOSE) != 0)
            size = utf8proc_normalize_utf32(points.data(), size, options_);
        if (size < 0) return error(Status::internal, "Unicode composition: ", utf8proc_errmsg(size));
        for (utf8proc_ssize_t i = 0; i < size; ++i) append_utf8(out, static_cast<char32_t>(points[i]));
        return {};
    }

    static int combining_class(utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; }

    static void reorder_marks(std::vector<utf8proc_int32_t>& points) {
        for (auto begin = points.begin(); begin != points.end();) {
            auto end = begin;
            while (end != points.end() && combining_class(*end) != 0) ++end;
            std::stable_sort(begin, end,
                             [](auto a, auto b) { return combining_class(a) < combining_class(b); });
            begin = end == points.end() ? end : end + 1;
        }
    }

    utf8proc_option_t options_;
};

// Rewrites character by character.
template <class Rewrite>
void rewrite_characters(std::string& text, Rewrite rewrite) {
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        Utf8Char c = decode_utf8(text, at);
        rewrite(c.code_point, out);
        at += c.length;
    }
    text = std::move(out);
}

class Lowercase final : public NormalizerStep {
  public:
    Result<void> apply(std::string& text) const override {
        rewrite_characters(text, [](char32_t c, std::string& out) {
            if (c == U'\u0130') { // the one character whose lower case is two (SpecialCasing.txt)
                out += "i\u0307";
            } else {
                append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
            }
        });
        return {};
    }
};

class StripAccents final : public NormalizerStep {
  public:
    Result<void> apply(std::string& text) const override {
        rewrite_characters(text, [](char32_t c, std::string& out) {
            if (!is_mark(c)) append_utf8(out, c);
        });
        return {};
    }
};

class StripWhitespace final : public NormalizerStep {
  public:
    StripWhitespace(bool left, bool right) : left_(left), right_(right) {}

    Result<void> apply(std::string& text) const override {
        size_t first = text.size(), last = 0; // the characters that are not white space
        for (size_t at = 0; at < text.size();) {
            Utf8Char c = decode_utf8(text, at);
            if (!is_whitespace(c.code_point)) {
                if (first == text.size()) first = at;
                last = at + c.length;
            }
            at += c.length;
        }
        if (last == 0) { // white space only
            if (left_ || right_) text.clear();
            return {};
        }
        if (right_) text.resize(last);
        if (left_) text.erase(0, first);
        return {};
    }

  private:
    bool left_, right_;
};

class PrependText final : public NormalizerStep {
  public:
    explicit PrependText(std::string prefix) : prefix_(std::move(prefix)) {}
    Result<void> apply(std::string& text) const override {
        if (!text.empty()) text.insert(0, prefix_);
        return {};
    }

  private:
    std::string prefix_;
};

class ReplaceLiteral final : public NormalizerStep {
  public:
    ReplaceLiteral(std::string from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}

    Result<void> apply(std::string& text) const override {
        replace_all(text, from_, to_);
        return {};
    }

  private:
    std::string from_, to_;
};

class ReplaceRegex final : public NormalizerStep {
  public:
    ReplaceRegex(Regex from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}

    Result<void> apply(std::string& text) const override {
        RegexSearch search(from_);
        search.start(text);
        std::string out;
        size_t done = 0;
        for (Span match;;) {
            FP4_ASSIGN(bool more, search.next(match));
            if (!more) break;
            out.append(text, done, match.begin - done);
            out += to_;
            done = match.end;
        }
        out.append(text, done);
        text = std::move(out);
        return {};
    }

  private:
    Regex from_;
    std::string to_;
};

class CollapseSpaces final : public NormalizerStep {
  public:
    Result<void> apply(std::string& text) const override {
        std::string out;
        out.reserve(text.size());
        for (char c : text) {
            if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
        }
        if (out.ends_with(' ')) out.pop_back();
        text = std::move(out);
        return {};
    }
};

} // namespace

Result<void> normalize(const Normalizer& normalizer, std::string& text) {
    for (const auto& step : normalizer) FP4_TRY(step->apply(text));
    return {};
}

std::unique_ptr<NormalizerStep> unicode_form(UnicodeForm form) {
    return std::make_unique<UnicodeFormStep>(form);
}

std::unique_ptr<NormalizerStep> lowercase() {
    return std::make_unique<Lowercase>();
}

std::unique_ptr<NormalizerStep> strip_accents() {
    return std::make_unique<StripAccents>();
}

std::unique_ptr<NormalizerStep> strip_whitespace(bool left, bool right) {
    return std::make_unique<StripWhitespace>(left, right);
}

std::unique_ptr<NormalizerStep> prepend_text(std::string prefix) {
    return std::make_unique<PrependText>(std::move(prefix));
}

std::unique_ptr<NormalizerStep> replace_literal(std::string from, std::string to) {
    return std::make_unique<ReplaceLiteral>(std::move(from), std::move(to));
}

std::unique_ptr<NormalizerStep> replace_regex(Regex from, std::string to) {
    return std::make_unique<ReplaceRegex>(std::move(from), std::move(to));
}

std::unique_ptr<NormalizerStep> collapse_spaces() {
    return std::make_unique<CollapseSpaces>();
}

} // namespace fp4::tokenization
