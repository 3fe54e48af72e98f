// A text cut into the windows that perplexity is measured on, as llama.cpp's perplexity tool does: the whole
// text is tokenized once, windows do not overlap, and the first token of each becomes BOS if the model adds
// one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/engine/model.h"

namespace fp4 {

struct EvaluationWindows {
    uint32_t window = 0;         // tokens each
    std::vector<int32_t> tokens; // [count * window]

    size_t count() const { return tokens.size() / window; }
    const int32_t* at(size_t i) const { return tokens.data() + i * window; }
    // Tokens of the second half are scored: position first_scored() predicts the token after it, and so on.
    uint32_t first_scored() const { return window / 2; }
    uint32_t scored() const { return window - 1 - first_scored(); }
};

// max_windows 0: all. Fails when the text is shorter than one window.
Result<EvaluationWindows> cut_windows(const Model& model, std::string_view text, uint32_t window,
                                      uint32_t max_windows);

} // namespace fp4
