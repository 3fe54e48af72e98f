// Named sets of characters as Oniguruma knows them, written for PCRE2.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fp4::tokenization {

// Contents of a bracketed set. PCRE2's own \s also holds U+180E and its \w lacks marks, so both are spelled
// out.
inline constexpr std::string_view space_set =
    R"(\x09-\x0d\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
inline constexpr std::string_view not_space_set =
    R"(\x00-\x08\x0e-\x1f\x21-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e})"
    R"(\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{d7ff}\x{e000}-\x{10ffff})";
inline constexpr std::string_view word_set =
    R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{24b6}-\x{24e9}\x{1f130}-\x{1f149}\x{1f150}-\x{1f169}\x{1f170}-\x{1f189})";
// Outside of a set, \w also has the numbers of Latin-1 that are no digits (superscripts and fractions).
inline constexpr std::string_view latin1_numbers = R"(\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";
inline constexpr std::string_view hex_set = "0-9a-fA-F";

// What `[:name:]` adds to a set; nullopt where PCRE2 means the same.
std::optional<std::string_view> posix_set(std::string_view name);

// The property that PCRE2 calls what Oniguruma calls `name` in \p{name}: general categories have long names
// there, and a script is the script alone, not its extensions.
std::string pcre2_property(std::string_view name);

} // namespace fp4::tokenization
