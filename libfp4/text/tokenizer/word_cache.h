// The ids of words seen lately in one text. Natural text repeats its words, so most need no merging at all.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace fp4::tokenization {

// Fixed size, direct mapped: a new word takes the place of the one in its slot. One per call, so no locks.
class WordCache {
  public:
    explicit WordCache(size_t text_bytes); // sized for the text, at most 1 MiB

    // Appends the word's ids and returns true when they are known.
    bool lookup(std::string_view word, std::vector<int32_t>& ids);

    // Remembers the ids of the word that the last lookup did not find.
    void store(std::string_view word, const int32_t* ids, size_t count);

    std::vector<int32_t>& symbols() { return symbols_; } // scratch of whoever holds the cache

  private:
    static constexpr size_t max_word = 30, max_ids = 8;
    struct alignas(64) Slot {
        uint8_t word_size = 0; // 0: free
        uint8_t id_count = 0;
        char word[max_word];
        int32_t ids[max_ids];
    };
    std::vector<Slot> slots_; // a power of two
    size_t missed_ = 0;       // slot of the last lookup
    std::vector<int32_t> symbols_;
};

} // namespace fp4::tokenization
