#include "libfp4/text/tokenizer/sentencepiece_bpe.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace fp4::tokenization {

namespace {

// Bytes hashed to find all the cuts: the sum of squared lengths of the pieces. Known vocabularies stay below
// 2^26.
constexpr uint64_t max_work = 1ull << 31;

bool starts_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

} // namespace

Result<MergeTable> merges_from_scores(const Vocabulary& vocabulary, std::span<const double> scores,
                                      const std::vector<bool>& joinable) {
    for (double score : scores) {
        if (std::isnan(score)) return error(Status::format, "a score is not a number");
    }
    std::vector<double> ranked(scores.begin(), scores.end());
    std::sort(ranked.begin(), ranked.end(), std::greater<>());
    ranked.erase(std::unique(ranked.begin(), ranked.end()), ranked.end());

    MergeTable merges;
    merges.reserve(vocabulary.size());
    uint64_t work = 0;
    for (size_t id = 0; id < scores.size(); ++id) {
        auto piece = vocabulary.text(static_cast<int32_t>(id));
        if (!joinable[id] || vocabulary.find(piece) != static_cast<int32_t>(id)) continue;
        work += static_cast<uint64_t>(piece.size()) * piece.size();
        if (work > max_work) return error(Status::limit, "the pieces are too long");
        auto rank =
            std::lower_bound(ranked.begin(), ranked.end(), scores[id], std::greater<>()) - ranked.begin();
        for (size_t cut = 1; cut < piece.size(); ++cut) {
            if (!starts_character(piece[cut])) continue;
            auto left = vocabulary.find(piece.substr(0, cut));
            if (!left) continue;
            auto right = vocabulary.find(piece.substr(cut));
            if (right) merges.insert(*left, *right, {static_cast<uint32_t>(rank), static_cast<int32_t>(id)});
        }
    }
    return merges;
}

} // namespace fp4::tokenization
