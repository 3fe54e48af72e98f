// Steps that rewrite the text before it is cut into words.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/text/tokenizer/regex.h"

namespace fp4::tokenization {

class NormalizerStep {
  public:
    virtual ~NormalizerStep() = default;
    virtual Result<void> apply(std::string& text) const = 0; // valid UTF-8 in and out
};

using Normalizer = std::vector<std::unique_ptr<const NormalizerStep>>;

Result<void> normalize(const Normalizer& normalizer, std::string& text);

enum class UnicodeForm : uint8_t { nfc, nfd, nfkc, nfkd };

std::unique_ptr<NormalizerStep> unicode_form(UnicodeForm form);
std::unique_ptr<NormalizerStep> lowercase();
std::unique_ptr<NormalizerStep> strip_accents(); // drops combining marks
std::unique_ptr<NormalizerStep> strip_whitespace(bool left, bool right);
std::unique_ptr<NormalizerStep> prepend_text(std::string prefix); // to any text but the empty one
std::unique_ptr<NormalizerStep> replace_literal(std::string from, std::string to);
std::unique_ptr<NormalizerStep> replace_regex(Regex from, std::string to);
// SentencePiece's remove_extra_whitespaces: no space at the ends, single spaces inside.
std::unique_ptr<NormalizerStep> collapse_spaces();

} // namespace fp4::tokenization
