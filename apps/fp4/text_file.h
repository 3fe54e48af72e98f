#pragma once

#include <optional>
#include <string>

namespace fp4::program {

/// The whole file, "-" for standard input. On failure prints why.
std::optional<std::string> read_file(const std::string& path);

/// Replaces the file; it appears under its name only when complete. On failure prints why.
bool write_file(const std::string& path, const std::string& content);

} // namespace fp4::program
