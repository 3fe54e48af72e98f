// Process-wide log. Silent until a sink is set; the last messages are kept in a ring for polling readers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fp4 {

enum class LogLevel : int32_t { error = 1, warning = 2, info = 3, debug = 4 };

using LogSink = void (*)(int32_t level, const char* text, void* user);

// Thread-safe. Messages above `level` are dropped. A null sink keeps only the ring.
void set_log(LogSink sink, LogLevel level, void* user);
// A message for which there is no memory is lost; work goes on.
void log(LogLevel level, std::string_view text) noexcept;

struct LogMessage {
    uint64_t number; // counts up from 0
    LogLevel level;
    std::string text;
};

// The oldest unread message, which stays until dropped by its number; nullopt when there is none.
std::optional<LogMessage> peek_log();
void drop_log(uint64_t number);

} // namespace fp4
