// What a tokenizer is made of. The loaders fill it in; Tokenizer runs it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "libfp4/text/tokenizer/added_tokens.h"
#include "libfp4/text/tokenizer/bpe_model.h"
#include "libfp4/text/tokenizer/decoder.h"
#include "libfp4/text/tokenizer/normalizer.h"
#include "libfp4/text/tokenizer/pre_tokenizer.h"
#include "libfp4/text/tokenizer/special_ids.h"
#include "libfp4/text/tokenizer/vocabulary.h"

namespace fp4::tokenization {

// A longer text put in for a character could make a small text huge.
inline constexpr size_t max_inserted_text = 64;

struct TokenizerParts {
    std::shared_ptr<const Vocabulary> vocabulary;
    AddedTokens added;
    Normalizer normalizer;
    PreTokenizer pre_tokenizer;
    BpeModel model;
    Decoder decoder;
    std::vector<int32_t> prefix, suffix; // around a text when the caller asks for special tokens
    SpecialIds special;
};

} // namespace fp4::tokenization
