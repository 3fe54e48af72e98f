#include "libfp4/base/log.h"

#include <deque>
#include <mutex>
#include <new>

namespace fp4 {
namespace {

constexpr size_t ring_capacity = 256;

struct LogState {
    std::mutex mutex;
    LogSink sink = nullptr;
    void* user = nullptr;
    LogLevel level = LogLevel::warning;
    std::deque<LogMessage> ring;
    uint64_t next_number = 0;
};

LogState& log_state() {
    static LogState& state = *new LogState; // never destroyed: threads may log while the process ends
    return state;
}

} // namespace

void set_log(LogSink sink, LogLevel level, void* user) {
    LogState& state = log_state();
    std::lock_guard lock(state.mutex);
    state.sink = sink;
    state.level = level;
    state.user = user;
}

void log(LogLevel level, std::string_view text) noexcept {
    LogState& state = log_state();
    LogSink sink = nullptr;
    void* user = nullptr;
    std::string copy;
    try {
        copy = text;
        std::lock_guard lock(state.mutex);
        if (level > state.level) return;
        state.ring.push_back({state.next_number, level, copy});
        ++state.next_number;
        if (state.ring.size() > ring_capacity) state.ring.pop_front();
        sink = state.sink;
        user = state.user;
    } catch (const std::bad_alloc&) {
        return;
    }
    // Called unlocked, so that a sink may call back into the library.
    if (sink) sink(static_cast<int32_t>(level), copy.c_str(), user);
}

std::optional<LogMessage> peek_log() {
    LogState& state = log_state();
    std::lock_guard lock(state.mutex);
    if (state.ring.empty()) return std::nullopt;
    return state.ring.front();
}

void drop_log(uint64_t number) {
    LogState& state = log_state();
    std::lock_guard lock(state.mutex);
    if (!state.ring.empty() && state.ring.front().number == number) state.ring.pop_front();
}

} // namespace fp4
