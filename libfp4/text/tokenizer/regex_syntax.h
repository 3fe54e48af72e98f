// Patterns in tokenizer files are written for Oniguruma (its default syntax); this rewrites them for PCRE2
// where the two read the same text differently. Oniguruma: doc/RE of its 6.9 sources; PCRE2: pcre2pattern(3).
#pragma once

#include <string>
#include <string_view>

#include "libfp4/base/result.h"

namespace fp4::tokenization {

// Differences handled:
//   \s \w \h \b     other sets of characters (\h is a hexadecimal digit)
//   \uHHHH \O       other spelling
//   [a&&b] [a[bc]]  set intersection and nested sets
//   x{1,3}+         greedy of greedy, not possessive; also x{,3} and x{3}?
//   (?m)            is "dot matches newline"
//   \p{Letter}      long names of general categories, POSIX names
// `^` and `$` always match at lines there: compile the result with PCRE2_MULTILINE.
Result<std::string> pcre2_from_oniguruma(std::string_view pattern);

} // namespace fp4::tokenization
