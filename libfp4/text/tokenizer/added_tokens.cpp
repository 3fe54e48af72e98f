#include "libfp4/text/tokenizer/added_tokens.h"

#include <algorithm>
#include <utility>

#include "libfp4/text/tokenizer/unicode_class.h"
#include "libfp4/text/tokenizer/utf8.h"

namespace fp4::tokenization {

namespace {

// The character that ends at `end`; the text is valid UTF-8.
Utf8Char last_char(std::string_view text, size_t end) {
    size_t begin = end - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    return decode_utf8(text, begin);
}

bool inside_word(std::string_view text, size_t begin, size_t end) {
    return (begin > 0 && is_word(last_char(text, begin).code_point)) ||
           (end < text.size() && is_word(decode_utf8(text, end).code_point));
}

size_t skip_space_left(std::string_view text, size_t begin, size_t stop) {
    while (begin > stop) {
        Utf8Char c = last_char(text, begin);
        if (!is_whitespace(c.code_point)) break;
        begin -= c.length;
    }
    return std::max(begin, stop);
}

size_t skip_space_right(std::string_view text, size_t end) {
    while (end < text.size()) {
        Utf8Char c = decode_utf8(text, end);
        if (!is_whitespace(c.code_point)) break;
        end += c.length;
    }
    return end;
}

} // namespace

int32_t TokenTrie::child(int32_t node, char byte) const {
    if (node == 0) return roots_[static_cast<unsigned char>(byte)];
    int32_t next = nodes_[static_cast<size_t>(node)].first_child;
    while (next != none && nodes_[static_cast<size_t>(next)].byte != byte) {
        next = nodes_[static_cast<size_t>(next)].next_sibling;
    }
    return next;
}

void TokenTrie::insert(std::string_view content, int32_t value) {
    if (content.empty()) return;
    int32_t node = 0;
    for (char byte : content) {
        int32_t next = child(node, byte);
        if (next == none) {
            next = static_cast<int32_t>(nodes_.size());
            nodes_.push_back({.byte = byte});
            if (node == 0) {
                roots_[static_cast<unsigned char>(byte)] = next;
            } else {
                nodes_.back().next_sibling = nodes_[static_cast<size_t>(node)].first_child;
                nodes_[static_cast<size_t>(node)].first_child = next;
            }
        }
        node = next;
    }
    nodes_[static_cast<size_t>(node)].value = value;
}

TokenTrie::Match TokenTrie::longest(std::string_view text, size_t position) const {
    Match best;
    int32_t node = 0;
    for (size_t at = position; at < text.size(); ++at) {
        node = child(node, text[at]);
        if (node == none) break;
        if (int32_t value = nodes_[static_cast<size_t>(node)].value; value != none)
            best = {value, at + 1 - position};
    }
    return best;
}

Result<AddedTokens> AddedTokens::build(std::vector<AddedToken> tokens, const Normalizer& normalizer) {
    AddedTokens result;
    result.tokens_ = std::move(tokens);
    size_t total = 0;
    for (size_t i = 0; i < result.tokens_.size(); ++i) {
        const AddedToken& token = result.tokens_[i];
        total += token.content.size();
        // The trie numbers its nodes, one a byte, with 31 bits.
        if (token.content.size() > max_content || total > (size_t{1} << 28)) {
            return error(Status::limit, "added token ", token.id, " has ", token.content.size(),
                         " bytes; the limit is ", max_content, " (and 2^28 for all together)");
        }
        result.by_id_[token.id] = i;
        if (token.normalized) {
            std::string content = token.content;
            FP4_TRY(normalize(normalizer, content));
            result.normalized_.insert(content, static_cast<int32_t>(i));
        } else {
            result.raw_.insert(token.content, static_cast<int32_t>(i));
        }
    }
    return result;
}

void AddedTokens::split_raw(std::string_view text, bool recognise_special, std::vector<Segment>& out) const {
    split(raw_, text, recognise_special, out);
}

void AddedTokens::split_normalized(std::string_view text, bool recognise_special,
                                   std::vector<Segment>& out) const {
    split(normalized_, text, recognise_special, out);
}

void AddedTokens::split(const TokenTrie& trie, std::string_view text, bool recognise_special,
                        std::vector<Segment>& out) const {
    size_t done = 0; // everything before is in a segment
    for (size_t at = 0; !trie.empty() && at < text.size();) {
        auto match = trie.longest(text, at);
        if (match.value < 0) {
            ++at;
            continue;
        }
        const AddedToken& token = tokens_[static_cast<size_t>(match.value)];
        size_t begin = at, end = at + match.length;
        at = end; // a match that is passed over still hides the tokens inside it
        if (token.special && !recognise_special) continue;
        if (begin < done) continue; // inside the white space that the token before took along
        if (token.single_word && inside_word(text, begin, end)) continue;
        if (token.lstrip) begin = skip_space_left(text, begin, done);
        if (token.rstrip) end = skip_space_right(text, end);
        if (done < begin) out.push_back({done, begin, -1});
        out.push_back({begin, end, token.id});
        done = end;
    }
    if (done < text.size()) out.push_back({done, text.size(), -1});
}

const AddedToken* AddedTokens::find(int32_t id) const {
    auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : &tokens_[found->second];
}

const AddedToken* AddedTokens::find(std::string_view content) const {
    auto found =
        std::find_if(tokens_.begin(), tokens_.end(), [&](const auto& t) { return t.content == content; });
    return found == tokens_.end() ? nullptr : &*found;
}

} // namespace fp4::tokenization
