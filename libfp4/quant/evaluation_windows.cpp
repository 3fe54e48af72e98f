#include "libfp4/quant/evaluation_windows.h"

#include <algorithm>

#include "libfp4/text/tokenizer/tokenizer.h"

namespace fp4 {

Result<EvaluationWindows> cut_windows(const Model& model, std::string_view text, uint32_t window,
                                      uint32_t max_windows) {
    if (window < 4 || window > model.config.context_length) {
        return error(Status::argument, "a window of ", window, " tokens is outside 4..",
                     model.config.context_length, ", the model's context length");
    }
    FP4_ASSIGN(const Tokenizer* tokenizer, model.require_tokenizer());
    FP4_ASSIGN(std::vector<int32_t> tokens, tokenizer->encode(text, true, SpecialPolicy::none));
    size_t count = tokens.size() / window;
    if (max_windows != 0) count = std::min<size_t>(count, max_windows);
    if (count == 0) {
        return error(Status::argument, "the text has ", tokens.size(), " tokens, less than one window of ",
                     window, "; give a longer text or a smaller window");
    }
    tokens.resize(count * window);
    FP4_ASSIGN(std::vector<int32_t> prefix, tokenizer->encode("", true, SpecialPolicy::none));
    bool adds_bos = !prefix.empty() && prefix.front() == tokenizer->bos();
    for (size_t i = 0; adds_bos && i < count; ++i) tokens[i * window] = prefix.front();
    return EvaluationWindows{window, std::move(tokens)};
}

} // namespace fp4
