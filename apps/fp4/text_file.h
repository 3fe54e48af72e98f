#pragma once

#include <optional>
#include <string>

namespace fp4::program {

/// The whole file, "-" for standard input. On failure prints why.
std::optional<std::string> read_file(const std::string& path);

/// A recipe as the library takes it: a preset's name, or the document in a *.json file. On failure prints
/// why.
std::optional<std::string> read_recipe(const std::string& name_or_file);

/// Replaces the file; it appears under its name only when complete. On failure prints why.
bool write_file(const std::string& path, const std::string& content);

} // namespace fp4::program
