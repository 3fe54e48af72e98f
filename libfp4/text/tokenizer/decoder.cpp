#include "libfp4/text/tokenizer/decoder.h"

#include "libfp4/text/tokenizer/bpe_model.h"
#include "libfp4/text/tokenizer/text_replace.h"

namespace fp4::tokenization {

Decoder::Decoder(std::shared_ptr<const Vocabulary> vocabulary, DecoderOptions options)
    : vocabulary_(std::move(vocabulary)), options_(std::move(options)) {
    if (options_.replacements.empty() && !options_.byte_fallback) return;
    ends_.reserve(vocabulary_->size());
    for (size_t id = 0; id < vocabulary_->size(); ++id) {
        std::string text(vocabulary_->text(static_cast<int32_t>(id)));
        for (const auto& [from, to] : options_.replacements) replace_all(text, from, to);
        auto byte = options_.byte_fallback ? byte_of_token(text) : std::nullopt;
        if (byte) {
            bytes_ += static_cast<char>(*byte);
        } else {
            bytes_ += text;
        }
        ends_.push_back(bytes_.size());
    }
}

std::string_view Decoder::bytes(int32_t id) const {
    if (ends_.empty()) return vocabulary_->text(id);
    if (!vocabulary_->contains(id)) return {};
    size_t at = static_cast<size_t>(id);
    size_t begin = at == 0 ? 0 : ends_[at - 1];
    return std::string_view(bytes_).substr(begin, ends_[at] - begin);
}

} // namespace fp4::tokenization
