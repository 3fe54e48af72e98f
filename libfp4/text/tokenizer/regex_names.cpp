#include "libfp4/text/tokenizer/regex_names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace fp4::tokenization {

namespace {

using Names = std::pair<std::string_view, std::string_view>;

constexpr std::array<Names, 11> posix_sets{{
    {"alnum", R"(\p{Alphabetic}\p{Nd})"},
    {"alpha", R"(\p{Alphabetic})"},
    {"blank", R"(\p{Zs}\x09)"},
    {"cntrl", R"(\p{Cc})"},
    {"digit", R"(\p{Nd})"},
    {"lower", R"(\p{Lowercase})"},
    {"punct", R"(\p{P}\p{S})"},
    {"space", space_set},
    {"upper", R"(\p{Uppercase})"},
    {"word", word_set},
    {"xdigit", hex_set},
}};

// Keys as simplified() makes them.
constexpr std::array<Names, 40> properties{{
    {"letter", "L"},
    {"uppercaseletter", "Lu"},
    {"lowercaseletter", "Ll"},
    {"titlecaseletter", "Lt"},
    {"casedletter", "L&"},
    {"modifierletter", "Lm"},
    {"otherletter", "Lo"},
    {"mark", "M"},
    {"nonspacingmark", "Mn"},
    {"spacingmark", "Mc"},
    {"enclosingmark", "Me"},
    {"number", "N"},
    {"decimalnumber", "Nd"},
    {"letternumber", "Nl"},
    {"othernumber", "No"},
    {"punctuation", "P"},
    {"connectorpunctuation", "Pc"},
    {"dashpunctuation", "Pd"},
    {"openpunctuation", "Ps"},
    {"closepunctuation", "Pe"},
    {"initialpunctuation", "Pi"},
    {"finalpunctuation", "Pf"},
    {"otherpunctuation", "Po"},
    {"symbol", "S"},
    {"mathsymbol", "Sm"},
    {"currencysymbol", "Sc"},
    {"modifiersymbol", "Sk"},
    {"othersymbol", "So"},
    {"separator", "Z"},
    {"spaceseparator", "Zs"},
    {"lineseparator", "Zl"},
    {"paragraphseparator", "Zp"},
    {"other", "C"},
    {"control", "Cc"},
    {"digit", "Nd"},
    {"punct", "P"},
    {"space", "White_Space"},
    {"alpha", "Alphabetic"},
    {"lower", "Lowercase"},
    {"upper", "Uppercase"},
}};

// Binary properties, which are no scripts.
constexpr std::array<std::string_view, 27> binary_properties{
    "any",
    "ascii",
    "alphabetic",
    "lowercase",
    "uppercase",
    "cased",
    "caseignorable",
    "math",
    "dash",
    "diacritic",
    "extender",
    "whitespace",
    "hexdigit",
    "emoji",
    "emojicomponent",
    "emojimodifier",
    "emojimodifierbase",
    "emojipresentation",
    "idstart",
    "xidstart",
    "idcontinue",
    "xidcontinue",
    "extendedpictographic",
    "graphemebase",
    "ideographic",
    "graphemeextend",
    "defaultignorablecodepoint",
};

// Names are compared without case, spaces, hyphens and underscores (UTS 18, section 1.2).
std::string simplified(std::string_view name) {
    std::string key;
    for (char c : name) {
        if (c == ' ' || c == '-' || c == '_') continue;
        key += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return key;
}

} // namespace

std::optional<std::string_view> posix_set(std::string_view name) {
    for (auto [known, set] : posix_sets) {
        if (name == known) return set;
    }
    return std::nullopt;
}

std::string pcre2_property(std::string_view name) {
    std::string key = simplified(name);
    for (auto [known, pcre2_name] : properties) {
        if (key == known) return std::string(pcre2_name);
    }
    bool category = key.size() <= 2;
    bool binary =
        std::find(binary_properties.begin(), binary_properties.end(), key) != binary_properties.end();
    return (category || binary ? "" : "sc:") + std::string(name);
}

} // namespace fp4::tokenization
