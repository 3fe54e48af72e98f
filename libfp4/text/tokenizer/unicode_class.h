// Character classes by the Unicode character database.
#pragma once

namespace fp4::tokenization {

bool is_whitespace(char32_t c);  // property White_Space
bool is_numeric(char32_t c);     // general category N
bool is_punctuation(char32_t c); // general category P, and every ASCII punctuation character
bool is_word(char32_t c);        // what `\w` means: letters, marks, decimal digits, connectors
bool is_mark(char32_t c);        // general category M

} // namespace fp4::tokenization
