#include "libfp4/text/tokenizer/bpe_merge.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>

namespace fp4::tokenization {

namespace {

uint64_t pair_key(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

// Up to here scanning for the lowest rank beats a heap.
constexpr size_t max_scanned_symbols = 48;

void merge_by_scanning(const MergeTable& table, std::vector<int32_t>& symbols) {
    std::array<Merge, max_scanned_symbols> pairs; // pairs[i] joins symbols i and i + 1
    size_t count = symbols.size();
    for (size_t i = 0; i + 1 < count; ++i) pairs[i] = table.find(symbols[i], symbols[i + 1]);
    while (count > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < count; ++i) {
            if (pairs[i].rank < pairs[best].rank) best = i;
        }
        if (pairs[best].rank == MergeTable::no_rank) break;
        symbols[best] = pairs[best].id;
        --count;
        for (size_t i = best + 1; i < count; ++i) {
            symbols[i] = symbols[i + 1];
            pairs[i - 1] = pairs[i];
        }
        if (best > 0) pairs[best - 1] = table.find(symbols[best - 1], symbols[best]);
        if (best + 1 < count) pairs[best] = table.find(symbols[best], symbols[best + 1]);
    }
    symbols.resize(count);
}

// A linked list over the symbols and a heap of candidate joins; a candidate whose pair has changed since it
// was pushed is dropped when it comes up.
class HeapMerger {
  public:
    HeapMerger(const MergeTable& table, std::vector<int32_t>& symbols) : table_(table), symbols_(symbols) {}

    void run() {
        auto count = static_cast<uint32_t>(symbols_.size());
        links_.resize(count);
        for (uint32_t i = 0; i < count; ++i) links_[i] = {i - 1, i + 1, {MergeTable::no_rank, 0}};
        links_[count - 1].next = end;
        for (uint32_t i = 0; i + 1 < count; ++i) {
            links_[i].merge = table_.find(symbols_[i], symbols_[i + 1]);
            if (links_[i].merge.rank != MergeTable::no_rank) heap_.push_back(candidate(i));
        }
        std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
        while (!heap_.empty()) {
            std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
            uint64_t top = heap_.back();
            heap_.pop_back();
            auto at = static_cast<uint32_t>(top);
            if (links_[at].merge.rank == top >> 32) join(at);
        }
        size_t kept = 0;
        for (uint32_t i = 0; i != end; i = links_[i].next) symbols_[kept++] = symbols_[i];
        symbols_.resize(kept);
    }

  private:
    struct Link {
        uint32_t previous; // wraps to `end` before the first
        uint32_t next;
        Merge merge; // with the next symbol; no_rank for one that was joined to its left
    };
    static constexpr uint32_t end = UINT32_MAX;

    uint64_t candidate(uint32_t at) const { return static_cast<uint64_t>(links_[at].merge.rank) << 32 | at; }

    void join(uint32_t left) {
        uint32_t right = links_[left].next;
        symbols_[left] = links_[left].merge.id;
        links_[left].next = links_[right].next;
        links_[right].merge.rank = MergeTable::no_rank;
        if (links_[left].next != end) links_[links_[left].next].previous = left;
        refresh(left);
        if (links_[left].previous != end) refresh(links_[left].previous);
    }

    void refresh(uint32_t at) {
        uint32_t next = links_[at].next;
        links_[at].merge =
            next == end ? Merge{MergeTable::no_rank, 0} : table_.find(symbols_[at], symbols_[next]);
        if (links_[at].merge.rank == MergeTable::no_rank) return;
        heap_.push_back(candidate(at));
        std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
    }

    const MergeTable& table_;
    std::vector<int32_t>& symbols_;
    std::vector<Link> links_;
    std::vector<uint64_t> heap_; // rank in the high half, position in the low half
};

} // namespace

void MergeTable::reserve(size_t merges) {
    size_t capacity = std::bit_ceil(merges + merges / 2 + 2);
    if (capacity > slots_.size()) rehash(capacity);
}

void MergeTable::insert(int32_t left, int32_t right, Merge merge) {
    if ((size_ + 1) * 4 > slots_.size() * 3) rehash(std::max<size_t>(64, slots_.size() * 2));
    uint64_t pair = pair_key(left, right);
    size_t slot = home(pair);
    while (slots_[slot].pair != free_pair && slots_[slot].pair != pair)
        slot = (slot + 1) & (slots_.size() - 1);
    if (slots_[slot].pair == free_pair) ++size_;
    slots_[slot] = {pair, merge};
}

Merge MergeTable::find(int32_t left, int32_t right) const {
    if (slots_.empty()) return {no_rank, 0};
    uint64_t pair = pair_key(left, right);
    for (size_t slot = home(pair);; slot = (slot + 1) & (slots_.size() - 1)) {
        if (slots_[slot].pair == pair) return slots_[slot].merge;
        if (slots_[slot].pair == free_pair) return {no_rank, 0};
    }
}

void MergeTable::rehash(size_t capacity) {
    auto old = std::move(slots_);
    slots_.assign(capacity, {free_pair, {no_rank, 0}});
    shift_ = 64 - std::countr_zero(capacity);
    size_ = 0;
    for (const Slot& slot : old) {
        if (slot.pair == free_pair) continue;
        insert(static_cast<int32_t>(slot.pair >> 32), static_cast<int32_t>(slot.pair), slot.merge);
    }
}

void merge_symbols(const MergeTable& table, std::vector<int32_t>& symbols) {
    if (symbols.size() < 2) return;
    if (symbols.size() <= max_scanned_symbols) {
        merge_by_scanning(table, symbols);
    } else {
        HeapMerger(table, symbols).run();
    }
}

} // namespace fp4::tokenization
