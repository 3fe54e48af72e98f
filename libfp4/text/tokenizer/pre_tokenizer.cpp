#include "libfp4/text/tokenizer/pre_tokenizer.h"

#include <utility>

#include "libfp4/text/tokenizer/utf8.h"

namespace fp4::tokenization {

namespace {

class RegexSplit final : public PreTokenizerStep {
  public:
    RegexSplit(Regex regex, SplitBehavior behavior, bool invert)
        : regex_(std::move(regex)), behavior_(behavior), invert_(invert) {}

    Result<void> apply(Pieces& pieces) const override {
        RegexSearch search(regex_);
        return split_pieces(pieces, behavior_, invert_,
                            [&](std::string_view piece, auto found) -> Result<void> {
                                search.start(piece);
                                for (Span match;;) {
                                    FP4_ASSIGN(bool more, search.next(match));
                                    if (!more) return {};
                                    found(match.begin, match.end);
                                }
                            });
    }

  private:
    Regex regex_;
    SplitBehavior behavior_;
    bool invert_;
};

class LiteralSplit final : public PreTokenizerStep {
  public:
    LiteralSplit(std::string literal, SplitBehavior behavior, bool invert)
        : literal_(std::move(literal)), behavior_(behavior), invert_(invert) {}

    Result<void> apply(Pieces& pieces) const override {
        return split_pieces(pieces, behavior_, invert_,
                            [&](std::string_view piece, auto found) -> Result<void> {
                                if (literal_.empty()) return {};
                                for (size_t at = piece.find(literal_); at != piece.npos;
                                     at = piece.find(literal_, at + literal_.size())) {
                                    found(at, at + literal_.size());
                                }
                                return {};
                            });
    }

  private:
    std::string literal_;
    SplitBehavior behavior_;
    bool invert_;
};

class CharacterSplit final : public PreTokenizerStep {
  public:
    CharacterSplit(CharacterTest test, SplitBehavior behavior) : test_(test), behavior_(behavior) {}

    Result<void> apply(Pieces& pieces) const override {
        return split_pieces(pieces, behavior_, false,
                            [&](std::string_view piece, auto found) -> Result<void> {
                                for (size_t at = 0; at < piece.size();) {
                                    Utf8Char c = decode_utf8(piece, at);
                                    if (test_(c.code_point)) found(at, at + c.length);
                                    at += c.length;
                                }
                                return {};
                            });
    }

  private:
    CharacterTest test_;
    SplitBehavior behavior_;
};

class PrefixSpace final : public PreTokenizerStep {
  public:
    Result<void> apply(Pieces& pieces) const override {
        std::string text;
        std::vector<Span> spans;
        for (Span span : pieces.spans()) {
            size_t begin = text.size();
            if (!pieces.piece(span).starts_with(' ')) text += ' ';
            text += pieces.piece(span);
            spans.push_back({begin, text.size()});
        }
        pieces.set_text(std::move(text), std::move(spans));
        return {};
    }
};

class Metaspace final : public PreTokenizerStep {
  public:
    Metaspace(std::string replacement, PrependScheme scheme, bool split)
        : replacement_(std::move(replacement)), scheme_(scheme), split_(split) {}

    Result<void> apply(Pieces& pieces) const override {
        std::string text;
        std::vector<Span> spans;
        for (Span span : pieces.spans()) {
            size_t begin = text.size();
            auto piece = pieces.piece(span);
            bool prepend = scheme_ == PrependScheme::always ||
                           (scheme_ == PrependScheme::first && pieces.at_text_start(span));
            if (prepend && !piece.starts_with(' ') && !piece.starts_with(replacement_)) text += replacement_;
            for (char c : piece) {
                if (c == ' ') {
                    text += replacement_;
                } else {
                    text += c;
                }
            }
            spans.push_back({begin, text.size()});
        }
        pieces.set_text(std::move(text), std::move(spans));
        if (!split_) return {};
        return LiteralSplit(replacement_, SplitBehavior::merged_with_next, false).apply(pieces);
    }

  private:
    std::string replacement_;
    PrependScheme scheme_;
    bool split_;
};

} // namespace

std::unique_ptr<PreTokenizerStep> split_by_regex(Regex regex, SplitBehavior behavior, bool invert) {
    return std::make_unique<RegexSplit>(std::move(regex), behavior, invert);
}

std::unique_ptr<PreTokenizerStep> split_by_literal(std::string literal, SplitBehavior behavior, bool invert) {
    return std::make_unique<LiteralSplit>(std::move(literal), behavior, invert);
}

std::unique_ptr<PreTokenizerStep> split_by_character(CharacterTest test, SplitBehavior behavior) {
    return std::make_unique<CharacterSplit>(test, behavior);
}

std::unique_ptr<PreTokenizerStep> prefix_space() {
    return std::make_unique<PrefixSpace>();
}

std::unique_ptr<PreTokenizerStep> metaspace(std::string replacement, PrependScheme scheme, bool split) {
    return std::make_unique<Metaspace>(std::move(replacement), scheme, split);
}

} // namespace fp4::tokenization
