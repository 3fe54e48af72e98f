#include "libfp4/text/tokenizer/bpe_merge.h"

#include <doctest/doctest.h>

#include <ctime>
#include <random>

using namespace fp4::tokenization;

namespace {

// The definition: the lowest rank that occurs, at its leftmost place, again and again.
std::vector<int32_t> merge_by_definition(const MergeTable& table, std::vector<int32_t> symbols) {
    for (;;) {
        size_t best = symbols.size();
        uint32_t rank = MergeTable::no_rank;
        for (size_t i = 0; i + 1 < symbols.size(); ++i) {
            Merge merge = table.find(symbols[i], symbols[i + 1]);
            if (merge.rank < rank) rank = merge.rank, best = i;
        }
        if (best == symbols.size()) return symbols;
        symbols[best] = table.find(symbols[best], symbols[best + 1]).id;
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
}

// Random merges over an alphabet of `letters`; later tokens join earlier ones. Ranks may be equal.
MergeTable random_merges(std::mt19937& random, int32_t letters, int32_t count, bool equal_ranks) {
    MergeTable table;
    for (int32_t i = 0; i < count; ++i) {
        auto pick = [&] { return static_cast<int32_t>(random() % static_cast<uint32_t>(letters + i)); };
        auto rank = static_cast<uint32_t>(equal_ranks ? random() % 5 : random() % 1000);
        table.insert(pick(), pick(), {rank, letters + i});
    }
    return table;
}

} // namespace

TEST_CASE("merging follows the definition, for short and for long words") {
    std::mt19937 random(20);
    for (int round = 0; round < 300; ++round) {
        int32_t letters = 1 + static_cast<int32_t>(random() % 6);
        MergeTable table =
            random_merges(random, letters, static_cast<int32_t>(random() % 40), round % 2 == 0);
        for (size_t length : {0, 1, 2, 3, 7, 47, 48, 49, 50, 120, 333}) {
            std::vector<int32_t> symbols(length);
            for (auto& symbol : symbols)
                symbol = static_cast<int32_t>(random() % static_cast<uint32_t>(letters));
            auto wanted = merge_by_definition(table, symbols);
            merge_symbols(table, symbols);
            CHECK(symbols == wanted);
        }
    }
}

TEST_CASE("a table finds what was put in and nothing else") {
    std::mt19937 random(21);
    MergeTable table;
    CHECK(table.find(0, 0).rank == MergeTable::no_rank);
    for (int32_t i = 0; i < 5000; ++i) table.insert(i % 71, i, {static_cast<uint32_t>(i), i * 2});
    CHECK(table.size() == 5000);
    table.insert(0, 0, {9, 99});
    CHECK(table.size() == 5000);
    CHECK(table.find(0, 0).id == 99);
    for (int32_t i = 1; i < 5000; ++i) {
        CHECK(table.find(i % 71, i).id == i * 2);
        CHECK(table.find(i % 71 + 1, i).rank == MergeTable::no_rank);
    }
}

TEST_CASE("a very long word takes n log n time") {
    MergeTable table;
    for (int32_t i = 0; i < 10; ++i)
        table.insert(i, i, {static_cast<uint32_t>(i), i + 1}); // a, aa, aaaa, ...
    auto seconds = [&](size_t length) {
        std::vector<int32_t> symbols(length, 0);
        auto start = std::clock();
        merge_symbols(table, symbols);
        CHECK(symbols.size() == length / 1024);
        return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    };
    double small = seconds(1 << 16), large = seconds(1 << 20);
    CHECK(large < 16 * 8 * (small + 0.01)); // quadratic would be 256 times as long
}
