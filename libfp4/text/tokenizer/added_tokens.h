// Tokens that are recognised as a whole in the text, before BPE sees it: special tokens and user-defined
// ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/text/tokenizer/normalizer.h"

namespace fp4::tokenization {

struct AddedToken {
    int32_t id = -1;
    std::string content;
    bool special = false;     // a control token: recognised only where the caller allows it
    bool lstrip = false;      // takes the white space before it along
    bool rstrip = false;      // and behind it
    bool single_word = false; // not recognised inside a word
    bool normalized = false;  // looked for in the normalized text
};

// Longest match from any position, over bytes.
class TokenTrie {
  public:
    void insert(std::string_view content, int32_t value); // the later of two equal contents counts
    bool empty() const { return nodes_.size() == 1; }

    // Value and length of the longest content that starts at `position`; value -1 when there is none.
    struct Match {
        int32_t value = -1;
        size_t length = 0;
    };
    Match longest(std::string_view text, size_t position) const;

  private:
    static constexpr int32_t none = -1;
    struct Node {
        int32_t value = none;
        int32_t first_child = none;
        int32_t next_sibling = none;
        char byte = 0;
    };
    int32_t child(int32_t node, char byte) const;

    std::vector<Node> nodes_{1};
    std::vector<int32_t> roots_ = std::vector<int32_t>(256, none); // children of the root, by byte
};

class AddedTokens {
  public:
    // The search takes time in the length of the longest token for each byte of the text.
    static constexpr size_t max_content = 1024;

    struct Segment {
        size_t begin = 0;
        size_t end = 0;
        int32_t id = -1; // -1: ordinary text
    };

    static Result<AddedTokens> build(std::vector<AddedToken> tokens, const Normalizer& normalizer);

    // Cuts a text at the tokens that are looked for before (or after) normalization.
    void split_raw(std::string_view text, bool recognise_special, std::vector<Segment>& out) const;
    void split_normalized(std::string_view text, bool recognise_special, std::vector<Segment>& out) const;
    bool any_normalized() const { return !normalized_.empty(); }

    const AddedToken* find(int32_t id) const;
    const AddedToken* find(std::string_view content) const;
    const std::vector<AddedToken>& all() const { return tokens_; }

  private:
    void split(const TokenTrie& trie, std::string_view text, bool recognise_special,
               std::vector<Segment>& out) const;

    std::vector<AddedToken> tokens_;
    std::unordered_map<int32_t, size_t> by_id_;
    TokenTrie raw_, normalized_;
};

} // namespace fp4::tokenization
