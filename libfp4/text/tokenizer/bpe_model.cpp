#include "libfp4/text/tokenizer/bpe_model.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "libfp4/text/tokenizer/utf8.h"

namespace fp4::tokenization {

namespace {

constexpr std::string_view lower_block = "\u2581"; // SentencePiece's visible space

// The character that ends at `end`, for texts that may be broken.
char32_t character_before(std::string_view text, size_t end) {
    size_t begin = end - 1;
    while (begin > 0 && end - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    return decode_utf8(text, begin).code_point;
}

} // namespace

std::optional<uint8_t> byte_of_token(std::string_view text) {
    if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
    uint8_t value = 0;
    auto [end, failure] = std::from_chars(text.data() + 3, text.data() + 5, value, 16);
    if (failure != std::errc() || end != text.data() + 5) return std::nullopt;
    return value;
}

BpeModel::BpeModel(std::shared_ptr<const Vocabulary> vocabulary, MergeTable merges, const BpeOptions& options)
    : vocabulary_(std::move(vocabulary)), merges_(std::move(merges)), options_(options) {
    for (int byte = 0; byte < 256; ++byte) {
        char raw = static_cast<char>(byte);
        constexpr std::string_view digits = "0123456789ABCDEF";
        char spelled[] = {'<', '0', 'x', digits[static_cast<size_t>(byte >> 4)], digits[byte & 15], '>'};
        std::string_view text =
            options_.byte_level ? std::string_view(&raw, 1) : std::string_view(spelled, 6);
        byte_ids_[static_cast<size_t>(byte)] = vocabulary_->find(text).value_or(-1);
    }
    if (!options_.byte_level) find_cuts();
}

// Text without a pre-tokenizer is one long word. It can still be cut before each U+2581 that no merge joins
// to the character before it: a token across the cut would hold the two, and only merges make tokens. Unknown
// tokens end at U+2581 as long as that is a token itself, so they do not cross the cut either.
void BpeModel::find_cuts() {
    cuts_ = vocabulary_->find(lower_block).has_value();
    merges_.for_each_result([&](int32_t id) {
        auto text = vocabulary_->text(id);
        for (size_t at = text.find(lower_block, 1); at != text.npos; at = text.find(lower_block, at + 1)) {
            joined_before_space_.push_back(character_before(text, at));
        }
    });
    std::sort(joined_before_space_.begin(), joined_before_space_.end());
    joined_before_space_.erase(std::unique(joined_before_space_.begin(), joined_before_space_.end()),
                               joined_before_space_.end());
}

size_t BpeModel::next_cut(std::string_view word, size_t from) const {
    for (size_t at = word.find(lower_block, from + 1); at != word.npos; at = word.find(lower_block, at + 1)) {
        char32_t before = character_before(word, at);
        if (!std::binary_search(joined_before_space_.begin(), joined_before_space_.end(), before)) return at;
    }
    return word.size();
}

void BpeModel::encode(std::string_view word, WordCache& cache, std::vector<int32_t>& ids) const {
    if (options_.ignore_merges) {
        if (auto id = vocabulary_->find(word)) {
            ids.push_back(*id);
            return;
        }
    }
    if (!cuts_) return encode_part(word, cache, ids);
    for (size_t begin = 0; begin < word.size();) {
        size_t end = next_cut(word, begin);
        encode_part(word.substr(begin, end - begin), cache, ids);
        begin = end;
    }
}

void BpeModel::encode_part(std::string_view part, WordCache& cache, std::vector<int32_t>& ids) const {
    if (cache.lookup(part, ids)) return;
    std::vector<int32_t>& symbols = cache.symbols();
    symbols.clear();
    append_symbols(part, symbols);
    merge_symbols(merges_, symbols);
    ids.insert(ids.end(), symbols.begin(), symbols.end());
    cache.store(part, symbols.data(), symbols.size());
}

void BpeModel::append_symbols(std::string_view part, std::vector<int32_t>& symbols) const {
    bool unknown_pending = false;
    auto flush_unknown = [&] {
        if (unknown_pending) symbols.push_back(*options_.unknown);
        unknown_pending = false;
    };
    for (size_t at = 0; at < part.size();) {
        auto byte = static_cast<uint8_t>(part[at]);
        size_t length = options_.byte_level ? 1 : decode_utf8(part, at).length;
        auto character = part.substr(at, length);
        at += length;
        int32_t id = options_.byte_level ? byte_ids_[byte] : vocabulary_->find(character).value_or(-1);
        if (id >= 0) {
            flush_unknown();
            symbols.push_back(id);
            continue;
        }
        auto byte_id = [&](char c) { return byte_ids_[static_cast<uint8_t>(c)]; };
        if (options_.byte_fallback && !options_.byte_level &&
            std::all_of(character.begin(), character.end(), [&](char c) { return byte_id(c) >= 0; })) {
            for (char c : character) symbols.push_back(byte_id(c));
            continue;
        }
        if (!options_.unknown) continue;
        if (!options_.fuse_unknown) flush_unknown();
        unknown_pending = true;
    }
    flush_unknown();
}

} // namespace fp4::tokenization
