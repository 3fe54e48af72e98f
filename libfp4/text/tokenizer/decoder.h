// Token ids back to bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libfp4/text/tokenizer/vocabulary.h"

namespace fp4::tokenization {

struct DecoderOptions {
    std::vector<std::pair<std::string, std::string>> replacements; // in each token, in order
    bool byte_fallback = false;                                    // <0xHH> is that byte
    // What to take away where the text begins.
    char strip = ' ';
    uint32_t strip_count = 0;
    std::string drop_in_first_token; // every occurrence; Metaspace's rule
};

// Decoding is a table of bytes per token plus a rule for the beginning of the text.
class Decoder {
  public:
    Decoder(std::shared_ptr<const Vocabulary> vocabulary, DecoderOptions options);

    std::string_view bytes(int32_t id) const;
    const DecoderOptions& options() const { return options_; }
    std::string_view spelled(int32_t id) const { return vocabulary_->text(id); }

  private:
    std::shared_ptr<const Vocabulary> vocabulary_;
    DecoderOptions options_;
    std::string bytes_;        // empty where tokens decode to their own text
    std::vector<size_t> ends_; // of each id in bytes_
};

} // namespace fp4::tokenization
