// A text cut into pieces, and the ways a pattern cuts pieces further.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/text/tokenizer/regex.h"

namespace fp4::tokenization {

// What becomes of the matches of a pattern.
enum class SplitBehavior : uint8_t {
    removed,
    isolated,
    merged_with_previous,
    merged_with_next,
    contiguous, // runs of matches are one piece
};

// The pieces are never empty, ascend and do not overlap; characters in no piece are dropped.
class Pieces {
  public:
    explicit Pieces(std::string_view text, bool at_text_start);

    std::string_view text() const { return text_; }
    const std::vector<Span>& spans() const { return spans_; }
    std::string_view piece(Span span) const { return text_.substr(span.begin, span.end - span.begin); }
    bool at_text_start(Span span) const { return at_text_start_ && span.begin == 0; }

    void set_spans(std::vector<Span> spans) { spans_ = std::move(spans); }
    void set_text(std::string text, std::vector<Span> spans); // for steps that rewrite the text

  private:
    std::string rewritten_;
    std::string_view text_;
    std::vector<Span> spans_;
    bool at_text_start_;
};

// Collects the matches inside one piece, in order, and cuts the piece at them.
class PieceCutter {
  public:
    PieceCutter(SplitBehavior behavior, bool invert, std::vector<Span>& out)
        : behavior_(behavior), invert_(invert), out_(out) {}

    void begin(Span piece);
    void match(Span match); // absolute offsets
    void end();

  private:
    struct Part {
        Span span;
        bool is_match;
    };
    void add(Span span, bool is_match);
    void emit(Span span);
    void emit_merged();

    SplitBehavior behavior_;
    bool invert_;
    std::vector<Span>& out_;
    std::vector<Part> parts_;
    Span piece_;
    size_t done_ = 0;
};

// find(piece text, found) calls found(begin, end) for each match and returns Result<void>.
template <class Find>
Result<void> split_pieces(Pieces& pieces, SplitBehavior behavior, bool invert, Find find) {
    std::vector<Span> spans;
    spans.reserve(pieces.spans().size());
    PieceCutter cutter(behavior, invert, spans);
    for (Span span : pieces.spans()) {
        cutter.begin(span);
        FP4_TRY(find(pieces.piece(span), [&](size_t begin, size_t end) {
            cutter.match({span.begin + begin, span.begin + end});
        }));
        cutter.end();
    }
    pieces.set_spans(std::move(spans));
    return {};
}

} // namespace fp4::tokenization
