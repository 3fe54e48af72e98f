// Text to token ids and back, as the model's own tokenizer does it.
//
// Text is bytes, normally UTF-8. What is not valid UTF-8 is kept by byte-level tokenizers: each run of bad
// bytes is a word of its own, and decoding gives the bytes back. Other tokenizers see one U+FFFD for each bad
// sequence.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/base/result.h"

namespace fp4 {

class GgufMetadata;
namespace tokenization {
struct TokenizerParts;
}

// What special (control) tokens spelled out in a text mean. Text from a user is encoded with `none`, so that
// it cannot close its own message; templates rendered by the host with `parse`. Added tokens that are not
// special are always recognised.
enum class SpecialPolicy : uint8_t { none, parse };

// Immutable and thread-safe.
class Tokenizer {
  public:
    // Longer texts are refused with Status::limit.
    static constexpr size_t max_text_bytes = size_t{1} << 30;

    // tokenizer_config_json may be empty. It is asked only for what tokenizer.json leaves open: which tokens
    // begin and end a text. Padding and truncation settings are ignored. `source_name` begins every error
    // message.
    static Result<std::shared_ptr<const Tokenizer>> from_json(std::string_view tokenizer_json,
                                                              std::string_view tokenizer_config_json,
                                                              const std::string& source_name);
    static Result<std::shared_ptr<const Tokenizer>> from_gguf(const GgufMetadata& metadata,
                                                              const std::string& source_name);

    explicit Tokenizer(tokenization::TokenizerParts parts);
    ~Tokenizer();
    Tokenizer(const Tokenizer&) = delete;
    Tokenizer& operator=(const Tokenizer&) = delete;

    // add_special puts the tokens around the text that the model's post-processor asks for (BOS, sometimes
    // EOS).
    Result<std::vector<int32_t>> encode(std::string_view text, bool add_special, SpecialPolicy policy) const;

    // The bytes of a whole sequence; special tokens give their text or nothing. Fails with Status::argument
    // for an id that is no token. Bytes are not made valid UTF-8: a cut character stays cut.
    Result<std::string> decode(std::span<const int32_t> ids, bool include_special) const;

    // What one token adds inside a text; at the beginning of a text TokenStream knows more. Special tokens
    // give their text. Empty for an id that is no token.
    std::string_view token_bytes(int32_t id) const;

    size_t vocab_size() const; // largest id + 1; some ids below may be no token
    bool contains(int32_t id) const;
    bool is_special(int32_t id) const;
    bool is_end_of_generation(int32_t id) const;
    std::optional<int32_t> bos() const;
    std::optional<int32_t> eos() const;
    std::optional<int32_t> eot() const; // end of a turn, where the model has one apart from eos
    const std::vector<int32_t>& end_of_generation() const; // ascending

    // An added token by its text, else a vocabulary token: byte-level by its bytes, SentencePiece by its
    // spelling with U+2581 for spaces.
    std::optional<int32_t> id_of(std::string_view text) const;

  private:
    friend class TokenStream;
    std::unique_ptr<const tokenization::TokenizerParts> parts_;
};

// Decodes token by token: the bytes pushed one after the other are those of decode().
class TokenStream {
  public:
    // at_text_start: whether the first token begins a text (SentencePiece puts a space there that is not
    // shown); false when the tokens continue a prompt. The tokenizer must outlive the stream.
    TokenStream(const Tokenizer& tokenizer, bool at_text_start, bool include_special);

    // The bytes the token adds; valid until the next push or the end of the tokenizer. Empty for an unknown
    // id.
    std::string_view push(int32_t id);

  private:
    const Tokenizer& tokenizer_;
    bool include_special_;
    bool first_token_;
    uint32_t strip_left_;
    std::string first_;
};

} // namespace fp4
