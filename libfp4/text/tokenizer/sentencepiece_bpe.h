// SentencePiece BPE as GGUF files store it: pieces with scores instead of a list of merges.
#pragma once

#include <cstdint>
#include <span>

#include "libfp4/base/result.h"
#include "libfp4/text/tokenizer/bpe_merge.h"
#include "libfp4/text/tokenizer/vocabulary.h"

namespace fp4::tokenization {

// Two adjacent pieces join when their texts together are a piece; the best score joins first, equal scores
// from the left (SentencePiece bpe_model.cc, SampleEncode). So each way to cut a piece in two pieces is a
// merge, ranked by the piece's score. joinable[id]: the piece may come from a merge (it is no control or byte
// token).
Result<MergeTable> merges_from_scores(const Vocabulary& vocabulary, std::span<const double> scores,
                                      const std::vector<bool>& joinable);

} // namespace fp4::tokenization
