// The tokens with a role in generation.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace fp4::tokenization {

class AddedTokens;

struct SpecialIds {
    std::optional<int32_t> bos, eos, eot;
    std::vector<int32_t> end_of_generation; // ascending
};

// Fills in eot where it is not set, and end_of_generation: eos, eot and every special token whose text is
// known to end a turn or a text. `more` are further ids that the file names as ends.
void complete_special_ids(const AddedTokens& added, const std::vector<int32_t>& more, SpecialIds& ids);

} // namespace fp4::tokenization
