#include "libfp4/text/tokenizer/special_ids.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "libfp4/text/tokenizer/added_tokens.h"

namespace fp4::tokenization {

namespace {

// Ends of a turn in the chat formats of Llama 3, ChatML, Phi, Gemma, and others.
constexpr std::array<std::string_view, 8> turn_ends = {
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<end_of_utterance>", "<EOT>", "_<EOT>", "[EOT]",
};

constexpr std::array<std::string_view, 6> text_ends = {
    "<|endoftext|>", "<|end_of_text|>", "<|eom_id|>", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
    "<eos>",         "[EOS]",
};

template <class Names>
bool is_one_of(const Names& names, std::string_view text) {
    return std::find(names.begin(), names.end(), text) != names.end();
}

} // namespace

void complete_special_ids(const AddedTokens& added, const std::vector<int32_t>& more, SpecialIds& ids) {
    auto& ends = ids.end_of_generation;
    ends = more;
    for (const AddedToken& token : added.all()) {
        bool ends_turn = is_one_of(turn_ends, token.content);
        if (!token.special || !(ends_turn || is_one_of(text_ends, token.content))) continue;
        if (ends_turn && !ids.eot && token.id != ids.eos) ids.eot = token.id;
        ends.push_back(token.id);
    }
    if (ids.eos) ends.push_back(*ids.eos);
    if (ids.eot) ends.push_back(*ids.eot);
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
}

} // namespace fp4::tokenization
