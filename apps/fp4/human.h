#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fp4::program {

/// printf into a string.
__attribute__((format(printf, 1, 2))) std::string format_text(const char* format, ...);

/// "93.8 MB": powers of 1000, as file managers and registries count.
std::string bytes_text(uint64_t bytes);

/// "135 M"
std::string count_text(uint64_t count);

/// "4.2 s", "3:07" or "1:02:33"
std::string duration_text(double seconds);

/// The text without what could steer a terminal: control characters but newline and tab become "?". Model
/// output and names in files come from strangers.
std::string printable(std::string_view text);

bool stdout_is_terminal();
bool stderr_is_terminal();

/// Writes text to standard output at once, made printable if that is a terminal. False if it could not be
/// written.
bool write_out(std::string_view text);

} // namespace fp4::program
