// The BPE model: one word of text to token ids.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "libfp4/text/tokenizer/bpe_merge.h"
#include "libfp4/text/tokenizer/vocabulary.h"
#include "libfp4/text/tokenizer/word_cache.h"

namespace fp4::tokenization {

struct BpeOptions {
    bool byte_level = false; // symbols start as bytes; otherwise as characters
    bool byte_fallback =
        false; // characters that are no token become the tokens <0x00>..<0xFF> of their bytes
    bool ignore_merges = false;     // a word that is a token as a whole is taken as it is
    bool fuse_unknown = false;      // neighbouring unknown characters share one unknown token
    std::optional<int32_t> unknown; // without it unknown characters are dropped
};

class BpeModel {
  public:
    BpeModel(std::shared_ptr<const Vocabulary> vocabulary, MergeTable merges, const BpeOptions& options);

    void encode(std::string_view word, WordCache& cache, std::vector<int32_t>& ids) const;
    bool byte_level() const { return options_.byte_level; }

  private:
    void find_cuts();
    size_t next_cut(std::string_view word, size_t from) const;
    void encode_part(std::string_view part, WordCache& cache, std::vector<int32_t>& ids) const;
    void append_symbols(std::string_view part, std::vector<int32_t>& symbols) const;

    std::shared_ptr<const Vocabulary> vocabulary_;
    MergeTable merges_;
    BpeOptions options_;
    std::array<int32_t, 256> byte_ids_; // -1: no such token
    bool cuts_ = false;                 // long words can be cut before U+2581, see find_cuts
    std::vector<char32_t> joined_before_space_;
};

// Strictly "<0xHH>"; nullopt for anything else.
std::optional<uint8_t> byte_of_token(std::string_view text);

} // namespace fp4::tokenization
