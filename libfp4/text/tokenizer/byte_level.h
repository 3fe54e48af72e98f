// The byte alphabet of GPT-2: vocabularies of byte-level BPE spell every byte as one printable character.
// Inside the library such tokens are raw bytes; only files use the spelling.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fp4::tokenization {

// nullopt when a character is not in the alphabet, which means the token is no byte string (a special token).
std::optional<std::string> bytes_from_byte_level(std::string_view spelled);

} // namespace fp4::tokenization
