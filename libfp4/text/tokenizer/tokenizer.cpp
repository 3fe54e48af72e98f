#include "libfp4/text/tokenizer/tokenizer.h"

#include <algorithm>
#include <utility>

#include "libfp4/text/tokenizer/text_replace.h"
#include "libfp4/text/tokenizer/tokenizer_parts.h"
#include "libfp4/text/tokenizer/utf8.h"

namespace fp4 {

using namespace tokenization;

namespace {

// One encode call.
class Encoding {
  public:
    Encoding(const TokenizerParts& parts, size_t text_bytes, SpecialPolicy policy)
        : parts_(parts), cache_(text_bytes), recognise_special_(policy == SpecialPolicy::parse) {}

    Result<void> add_text(std::string_view text) {
        size_t valid = valid_utf8_prefix(text);
        if (valid == text.size()) return add_valid(text, true);
        if (!parts_.model.byte_level()) return add_valid(replace_invalid_utf8(text), true);
        for (size_t at = 0; at < text.size();) {
            FP4_TRY(add_valid(text.substr(at, valid), at == 0));
            size_t bad = at + valid;
            at = bad;
            while (at < text.size() && (valid = valid_utf8_prefix(text.substr(at))) == 0) {
                at += decode_utf8(text, at).length;
            }
            parts_.model.encode(text.substr(bad, at - bad), cache_, ids_);
        }
        return {};
    }

    std::vector<int32_t> ids_;

  private:
    using Segments = std::vector<AddedTokens::Segment>;

    Result<void> add_valid(std::string_view text, bool at_text_start) {
        Segments segments;
        parts_.added.split_raw(text, recognise_special_, segments);
        for (const auto& segment : segments) {
            if (segment.id >= 0) {
                ids_.push_back(segment.id);
            } else {
                FP4_TRY(add_unnormalized(text.substr(segment.begin, segment.end - segment.begin),
                                         at_text_start && segment.begin == 0));
            }
        }
        return {};
    }

    Result<void> add_unnormalized(std::string_view text, bool at_text_start) {
        if (parts_.normalizer.empty()) return add_normalized(text, at_text_start);
        std::string normalized(text);
        FP4_TRY(normalize(parts_.normalizer, normalized));
        return add_normalized(normalized, at_text_start);
    }

    Result<void> add_normalized(std::string_view text, bool at_text_start) {
        if (!parts_.added.any_normalized()) return add_words(text, at_text_start);
        Segments segments;
        parts_.added.split_normalized(text, recognise_special_, segments);
        for (const auto& segment : segments) {
            if (segment.id >= 0) {
                ids_.push_back(segment.id);
            } else {
                FP4_TRY(add_words(text.substr(segment.begin, segment.end - segment.begin),
                                  at_text_start && segment.begin == 0));
            }
        }
        return {};
    }

    Result<void> add_words(std::string_view text, bool at_text_start) {
        Pieces pieces(text, at_text_start);
        for (const auto& step : parts_.pre_tokenizer) FP4_TRY(step->apply(pieces));
        for (Span span : pieces.spans()) parts_.model.encode(pieces.piece(span), cache_, ids_);
        return {};
    }

    const TokenizerParts& parts_;
    WordCache cache_;
    bool recognise_special_;
};

} // namespace

Tokenizer::Tokenizer(TokenizerParts parts)
    : parts_(std::make_unique<const TokenizerParts>(std::move(parts))) {}

Tokenizer::~Tokenizer() = default;

Result<std::vector<int32_t>> Tokenizer::encode(std::string_view text, bool add_special,
                                               SpecialPolicy policy) const {
    if (text.size() > max_text_bytes) {
        return error(Status::limit, "text of ", text.size(), " bytes; at most ", max_text_bytes,
                     " can be tokenized at once");
    }
    Encoding encoding(*parts_, text.size(), policy);
    auto& ids = encoding.ids_;
    if (add_special) ids = parts_->prefix;
    FP4_TRY(encoding.add_text(text));
    if (add_special) ids.insert(ids.end(), parts_->suffix.begin(), parts_->suffix.end());
    return std::move(ids);
}

Result<std::string> Tokenizer::decode(std::span<const int32_t> ids, bool include_special) const {
    std::string text;
    TokenStream stream(*this, true, include_special);
    for (size_t i = 0; i < ids.size(); ++i) {
        if (!contains(ids[i])) {
            return error(Status::argument, "token ", ids[i], " at position ", i,
                         " is not in the vocabulary of ", vocab_size(), " tokens");
        }
        text += stream.push(ids[i]);
    }
    return text;
}

std::string_view Tokenizer::token_bytes(int32_t id) const {
    return parts_->decoder.bytes(id);
}

size_t Tokenizer::vocab_size() const {
    return parts_->vocabulary->size();
}

bool Tokenizer::contains(int32_t id) const {
    return parts_->vocabulary->contains(id);
}

bool Tokenizer::is_special(int32_t id) const {
    const AddedToken* token = parts_->added.find(id);
    return token != nullptr && token->special;
}

bool Tokenizer::is_end_of_generation(int32_t id) const {
    const auto& ends = parts_->special.end_of_generation;
    return std::binary_search(ends.begin(), ends.end(), id);
}

std::optional<int32_t> Tokenizer::bos() const {
    return parts_->special.bos;
}

std::optional<int32_t> Tokenizer::eos() const {
    return parts_->special.eos;
}

std::optional<int32_t> Tokenizer::eot() const {
    return parts_->special.eot;
}

const std::vector<int32_t>& Tokenizer::end_of_generation() const {
    return parts_->special.end_of_generation;
}

std::optional<int32_t> Tokenizer::id_of(std::string_view text) const {
    if (const AddedToken* token = parts_->added.find(text)) return token->id;
    return parts_->vocabulary->find(text);
}

TokenStream::TokenStream(const Tokenizer& tokenizer, bool at_text_start, bool include_special)
    : tokenizer_(tokenizer),
      include_special_(include_special),
      first_token_(at_text_start),
      strip_left_(at_text_start ? tokenizer.parts_->decoder.options().strip_count : 0) {}

std::string_view TokenStream::push(int32_t id) {
    if (!include_special_ && tokenizer_.is_special(id)) return {};
    const Decoder& decoder = tokenizer_.parts_->decoder;
    const std::string& dropped = decoder.options().drop_in_first_token;
    std::string_view bytes = decoder.bytes(id);
    if (first_token_ && !dropped.empty() && decoder.spelled(id).find(dropped) != std::string_view::npos) {
        first_ = decoder.spelled(id);
        replace_all(first_, dropped, "");
        bytes = first_;
    }
    first_token_ = false;
    while (strip_left_ > 0 && !bytes.empty()) {
        if (bytes[0] == decoder.options().strip) {
            bytes.remove_prefix(1);
            --strip_left_;
        } else {
            strip_left_ = 0;
        }
    }
    return bytes;
}

} // namespace fp4
