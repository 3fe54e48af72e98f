#include "human.h"

#include <unistd.h>

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace fp4::program {

std::string format_text(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    const int length = std::vsnprintf(nullptr, 0, format, arguments);
    va_end(arguments);
    std::string text(length > 0 ? static_cast<size_t>(length) : 0, '\0');
    if (length > 0) std::vsnprintf(text.data(), text.size() + 1, format, again);
    va_end(again);
    return text;
}

std::string bytes_text(uint64_t bytes) {
    static const char* const units[] = {"kB", "MB", "GB", "TB", "PB"};
    if (bytes < 1000) return format_text("%u bytes", static_cast<unsigned>(bytes));
    double value = static_cast<double>(bytes) / 1000;
    size_t unit = 0;
    while (value >= 999.95 && unit + 1 < std::size(units)) {
        value /= 1000;
        ++unit;
    }
    return format_text("%.1f %s", value, units[unit]);
}

std::string count_text(uint64_t count) {
    if (count >= 10'000'000'000) return format_text("%.1f G", static_cast<double>(count) / 1e9);
    if (count >= 1'000'000) return format_text("%.1f M", static_cast<double>(count) / 1e6);
    if (count >= 10'000) return format_text("%.1f k", static_cast<double>(count) / 1e3);
    return format_text("%u", static_cast<unsigned>(count));
}

std::string duration_text(double seconds) {
    if (seconds < 10) return format_text("%.1f s", seconds);
    if (seconds < 100) return format_text("%.0f s", seconds);
    const auto whole = static_cast<uint64_t>(std::llround(seconds));
    const auto hours = static_cast<unsigned>(whole / 3600);
    const auto minutes = static_cast<unsigned>(whole / 60 % 60);
    const auto rest = static_cast<unsigned>(whole % 60);
    if (hours > 0) return format_text("%u:%02u:%02u", hours, minutes, rest);
    return format_text("%u:%02u", minutes, rest);
}

std::string printable(std::string_view text) {
    std::string out(text);
    for (size_t i = 0; i < out.size(); ++i) {
        const auto byte = static_cast<unsigned char>(out[i]);
        if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) out[i] = '?';
        // C1 controls U+0080 to U+009F are 0xC2 0x80 to 0xC2 0x9F in UTF-8; some terminals obey them.
        if (byte == 0xc2 && i + 1 < out.size() && (static_cast<unsigned char>(out[i + 1]) & 0xe0) == 0x80) {
            out.replace(i, 2, "?");
        }
    }
    return out;
}

bool stdout_is_terminal() {
    static const bool answer = isatty(STDOUT_FILENO) == 1;
    return answer;
}

bool stderr_is_terminal() {
    static const bool answer = isatty(STDERR_FILENO) == 1;
    return answer;
}

bool write_out(std::string_view text) {
    const std::string filtered = stdout_is_terminal() ? printable(text) : std::string();
    if (stdout_is_terminal()) text = filtered;
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

} // namespace fp4::program
