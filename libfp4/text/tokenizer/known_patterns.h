// Word patterns by the names that GGUF files give them (`tokenizer.ggml.pre`), and those that components
// imply.
#pragma once

#include <span>
#include <string_view>

namespace fp4::tokenization {

extern const std::string_view gpt2_pattern;       // ByteLevel with use_regex
extern const std::string_view whitespace_pattern; // Whitespace

// GGUF files do not carry the patterns, only a name for the combination. The patterns are applied one after
// the other, each inside the pieces of the one before; text that does not match stays as pieces.
struct GgufPreTokenizer {
    std::span<const std::string_view> patterns;
    bool ignore_merges = false;
    bool add_bos = false; // unless the file says so
    bool nfc = false;
};

// Null for an unknown name.
const GgufPreTokenizer* find_gguf_pre_tokenizer(std::string_view name);

} // namespace fp4::tokenization
