// Steps that cut a normalized text into the words within which BPE merges.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/text/tokenizer/regex.h"
#include "libfp4/text/tokenizer/split.h"

namespace fp4::tokenization {

class PreTokenizerStep {
  public:
    virtual ~PreTokenizerStep() = default;
    virtual Result<void> apply(Pieces& pieces) const = 0;
};

using PreTokenizer = std::vector<std::unique_ptr<const PreTokenizerStep>>;

// When Metaspace puts its character before a piece that does not begin with it.
enum class PrependScheme : uint8_t { always, first, never };

using CharacterTest = bool (*)(char32_t);

std::unique_ptr<PreTokenizerStep> split_by_regex(Regex regex, SplitBehavior behavior, bool invert);
std::unique_ptr<PreTokenizerStep> split_by_literal(std::string literal, SplitBehavior behavior, bool invert);
// Each character that passes the test is a match of its own.
std::unique_ptr<PreTokenizerStep> split_by_character(CharacterTest test, SplitBehavior behavior);
std::unique_ptr<PreTokenizerStep> prefix_space(); // a space before pieces that do not begin with one
std::unique_ptr<PreTokenizerStep> metaspace(std::string replacement, PrependScheme scheme, bool split);

} // namespace fp4::tokenization
