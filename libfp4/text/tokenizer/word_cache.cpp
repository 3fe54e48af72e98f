#include "libfp4/text/tokenizer/word_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace fp4::tokenization {

WordCache::WordCache(size_t text_bytes)
    : slots_(std::bit_ceil(std::clamp<size_t>(text_bytes / 16, 16, 1 << 14))) {}

bool WordCache::lookup(std::string_view word, std::vector<int32_t>& ids) {
    if (word.empty() || word.size() > max_word) return false;
    missed_ = XXH3_64bits(word.data(), word.size()) & (slots_.size() - 1);
    const Slot& slot = slots_[missed_];
    if (slot.word_size != word.size() || std::memcmp(slot.word, word.data(), word.size()) != 0) return false;
    ids.insert(ids.end(), slot.ids, slot.ids + slot.id_count);
    return true;
}

void WordCache::store(std::string_view word, const int32_t* ids, size_t count) {
    if (word.empty() || word.size() > max_word || count > max_ids) return;
    Slot& slot = slots_[missed_];
    slot.word_size = static_cast<uint8_t>(word.size());
    slot.id_count = static_cast<uint8_t>(count);
    std::memcpy(slot.word, word.data(), word.size());
    std::copy_n(ids, count, slot.ids);
}

} // namespace fp4::tokenization
