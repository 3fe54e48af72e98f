// Process-wide log. Silent until a sink is set; the last messages are kept in a ring for polling readers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fp4 {

enum class LogLevel : int32_t { error = 1, warning = 2, info = 3, debug = 4 };

using LogSink = void (*)(int32_t level, const char* text, void* user);

// Thread-safe. Messages above `level` are dropped. A null sink keeps only the ring.
void set_log(LogSink sink, LogLevel level, void* user);
void log(LogLevel level, std::string_view text);

// Takes the oldest unread message out of the ring; false when there is none.
bool take_log(LogLevel& level, std::string& text);

} // namespace fp4
