#pragma once

#include <string>
#include <vector>

namespace fp4::program {

/// XXH3 of texts with their lengths, 16 hexadecimal digits. Names files; no defence against an attacker.
std::string hash_texts(const std::vector<std::string>& texts);

/// The same of a file's content, or of the names and contents of the files directly in a folder. What cannot
/// be read counts as empty: whoever needs it says so.
std::string hash_content(const std::string& path);

} // namespace fp4::program
