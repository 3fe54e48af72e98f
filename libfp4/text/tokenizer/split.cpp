#include "libfp4/text/tokenizer/split.h"

#include <algorithm>

namespace fp4::tokenization {

Pieces::Pieces(std::string_view text, bool at_text_start) : text_(text), at_text_start_(at_text_start) {
    if (!text.empty()) spans_.push_back({0, text.size()});
}

void Pieces::set_text(std::string text, std::vector<Span> spans) {
    rewritten_ = std::move(text);
    text_ = rewritten_;
    spans_ = std::move(spans);
}

void PieceCutter::begin(Span piece) {
    piece_ = piece;
    done_ = piece.begin;
    parts_.clear();
}

void PieceCutter::match(Span match) {
    if (done_ < match.begin) add({done_, match.begin}, false);
    add(match, true);
    done_ = match.end;
}

void PieceCutter::end() {
    if (done_ < piece_.end) add({done_, piece_.end}, false);
    if (behavior_ != SplitBehavior::isolated && behavior_ != SplitBehavior::removed) emit_merged();
}

void PieceCutter::add(Span span, bool is_match) {
    is_match = is_match != invert_;
    if (behavior_ == SplitBehavior::isolated) {
        emit(span);
    } else if (behavior_ == SplitBehavior::removed) {
        if (!is_match) emit(span);
    } else {
        parts_.push_back({span, is_match});
    }
}

void PieceCutter::emit(Span span) {
    if (span.begin < span.end) out_.push_back(span);
}

void PieceCutter::emit_merged() {
    // A match joins the part before it (or after it: the same seen from the end) unless that is a match
    // itself.
    bool backwards = behavior_ == SplitBehavior::merged_with_next;
    if (backwards) std::reverse(parts_.begin(), parts_.end());
    std::vector<Span> merged;
    bool previous_match = false;
    for (const Part& part : parts_) {
        bool joins = behavior_ == SplitBehavior::contiguous ? part.is_match == previous_match
                                                            : part.is_match && !previous_match;
        if (joins && !merged.empty()) {
            merged.back() = {std::min(merged.back().begin, part.span.begin),
                             std::max(merged.back().end, part.span.end)};
        } else {
            merged.push_back(part.span);
        }
        previous_match = part.is_match;
    }
    if (backwards) std::reverse(merged.begin(), merged.end());
    for (Span span : merged) emit(span);
}

} // namespace fp4::tokenization
