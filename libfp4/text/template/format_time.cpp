#include <array>

#include "libfp4/text/template/globals.h"

namespace fp4::chat {

namespace {

constexpr std::array<std::string_view, 7> days{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                               "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months{"January",   "February", "March",    "April",
                                                  "May",       "June",     "July",     "August",
                                                  "September", "October",  "November", "December"};

std::string_view name_at(std::span<const std::string_view> names, int index) {
    bool valid = index >= 0 && static_cast<size_t>(index) < names.size();
    return valid ? names[static_cast<size_t>(index)] : "?";
}

std::string padded(int number, size_t width, char fill) {
    std::string digits = std::to_string(number);
    if (digits.size() < width && fill != '\0') digits.insert(0, width - digits.size(), fill);
    return digits;
}

// One conversion; `fill` replaces the usual padding: '\0' with the flag "-".
bool convert(char conversion, char zero, const std::tm& time, std::string& out) {
    int hour12 = time.tm_hour % 12 == 0 ? 12 : time.tm_hour % 12;
    switch (conversion) {
        case 'a':
            out += name_at(days, time.tm_wday).substr(0, 3);
            return true;
        case 'A':
            out += name_at(days, time.tm_wday);
            return true;
        case 'b':
        case 'h':
            out += name_at(months, time.tm_mon).substr(0, 3);
            return true;
        case 'B':
            out += name_at(months, time.tm_mon);
            return true;
        case 'd':
            out += padded(time.tm_mday, 2, zero);
            return true;
        case 'e':
            out += padded(time.tm_mday, 2, zero == '0' ? ' ' : zero);
            return true;
        case 'm':
            out += padded(time.tm_mon + 1, 2, zero);
            return true;
        case 'y':
            out += padded((time.tm_year + 1900) % 100, 2, zero);
            return true;
        case 'Y':
            out += padded(time.tm_year + 1900, 4, zero);
            return true;
        case 'H':
            out += padded(time.tm_hour, 2, zero);
            return true;
        case 'I':
            out += padded(hour12, 2, zero);
            return true;
        case 'M':
            out += padded(time.tm_min, 2, zero);
            return true;
        case 'S':
            out += padded(time.tm_sec, 2, zero);
            return true;
        case 'j':
            out += padded(time.tm_yday + 1, 3, zero);
            return true;
        case 'w':
            out += padded(time.tm_wday, 1, zero);
            return true;
        case 'u':
            out += padded(time.tm_wday == 0 ? 7 : time.tm_wday, 1, zero);
            return true;
        case 'p':
            out += time.tm_hour < 12 ? "AM" : "PM";
            return true;
        case 'f':
            out += "000000";
            return true;
        case 'n':
            out += '\n';
            return true;
        case 't':
            out += '\t';
            return true;
        case '%':
            out += '%';
            return true;
        default:
            return false;
    }
}

std::string_view composite(char conversion) {
    switch (conversion) {
        case 'F':
            return "%Y-%m-%d";
        case 'T':
        case 'X':
            return "%H:%M:%S";
        case 'R':
            return "%H:%M";
        case 'D':
        case 'x':
            return "%m/%d/%y";
        case 'c':
            return "%a %b %e %H:%M:%S %Y";
        case 'r':
            return "%I:%M:%S %p";
        default:
            return {};
    }
}

} // namespace

Result<std::string> format_time(const Heap& heap, std::string_view format, const std::tm& time) {
    std::string out;
    for (size_t at = 0; at < format.size(); ++at) {
        if (format[at] != '%') {
            out += format[at];
            continue;
        }
        bool bare = at + 1 < format.size() && format[at + 1] == '-';
        at += bare ? 2 : 1;
        if (at >= format.size()) return heap.fail("strftime_now: the format ends after '%'");
        if (std::string_view parts = composite(format[at]); !parts.empty()) {
            FP4_ASSIGN(std::string text, format_time(heap, parts, time));
            out += text;
        } else if (!convert(format[at], bare ? '\0' : '0', time, out)) {
            return heap.fail("strftime_now: the conversion '%", format[at], "' is not supported");
        }
    }
    return out;
}

} // namespace fp4::chat
