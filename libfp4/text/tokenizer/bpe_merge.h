// Byte-pair merging: which adjacent symbols join, and joining them in rank order (Sennrich et al. 2016,
// section 3.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fp4::tokenization {

struct Merge {
    uint32_t rank; // lower joins first
    int32_t id;    // the joined token
};

class MergeTable {
  public:
    static constexpr uint32_t no_rank = UINT32_MAX;

    void reserve(size_t merges);
    void insert(int32_t left, int32_t right, Merge merge); // replaces an equal pair
    Merge find(int32_t left, int32_t right) const;         // rank is no_rank when the pair never joins
    size_t size() const { return size_; }

    template <class Visit>
    void for_each_result(Visit visit) const {
        for (const Slot& slot : slots_) {
            if (slot.pair != free_pair) visit(slot.merge.id);
        }
    }

  private:
    struct Slot {
        uint64_t pair;
        Merge merge;
    };
    static constexpr uint64_t free_pair = UINT64_MAX; // ids are never negative, so no pair is this

    size_t home(uint64_t pair) const { return (pair * 0x9E3779B97F4A7C15ull) >> shift_; }
    void rehash(size_t capacity);

    std::vector<Slot> slots_; // open addressing, a power of two
    int shift_ = 64;
    size_t size_ = 0;
};

// Joins the symbols in place: always the lowest rank, leftmost of equals, until nothing joins. Time is
// n log n in the number of symbols whatever the text.
void merge_symbols(const MergeTable& table, std::vector<int32_t>& symbols);

} // namespace fp4::tokenization
