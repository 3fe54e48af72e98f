// Replacing text by text.
#pragma once

#include <string>
#include <string_view>

namespace fp4::tokenization {

// Every occurrence, left to right; an empty `from` is nowhere.
void replace_all(std::string& text, std::string_view from, std::string_view to);

} // namespace fp4::tokenization
