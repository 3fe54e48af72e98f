// The components of tokenizer.json: normalizer, pre-tokenizer, decoder, post-processor. A component that is
// not known is Status::unsupported with its name.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/io/json_document.h"
#include "libfp4/text/tokenizer/decoder.h"
#include "libfp4/text/tokenizer/normalizer.h"
#include "libfp4/text/tokenizer/pre_tokenizer.h"

namespace fp4::tokenization {

Result<Normalizer> normalizer_from_json(const JsonValue& component);

struct ParsedPreTokenizer {
    PreTokenizer steps;
    bool byte_level = false; // the words are spelled in the byte alphabet
};
Result<ParsedPreTokenizer> pre_tokenizer_from_json(const JsonValue& component);

struct ParsedDecoder {
    DecoderOptions options;
    bool byte_level = false;
};
Result<ParsedDecoder> decoder_from_json(const JsonValue& component);

// The tokens around a single text.
struct Frame {
    std::vector<int32_t> prefix, suffix;
};
// nullopt when the component says nothing about special tokens.
Result<std::optional<Frame>> post_processor_from_json(const JsonValue& component);

} // namespace fp4::tokenization
