#include "libfp4/base/log.h"

#include <deque>
#include <mutex>

namespace fp4 {
namespace {

constexpr size_t ring_capacity = 256;

struct LogState {
    std::mutex mutex;
    LogSink sink = nullptr;
    void* user = nullptr;
    LogLevel level = LogLevel::warning;
    std::deque<std::pair<LogLevel, std::string>> ring;
};

LogState& log_state() {
    static LogState state;
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

void log(LogLevel level, std::string_view text) {
    LogState& state = log_state();
    std::string copy(text);
    LogSink sink = nullptr;
    void* user = nullptr;
    {
        std::lock_guard lock(state.mutex);
        if (level > state.level) return;
        if (state.ring.size() == ring_capacity) state.ring.pop_front();
        state.ring.emplace_back(level, copy);
        sink = state.sink;
        user = state.user;
    }
    // Called unlocked, so that a sink may call back into the library.
    if (sink) sink(static_cast<int32_t>(level), copy.c_str(), user);
}

bool take_log(LogLevel& level, std::string& text) {
    LogState& state = log_state();
    std::lock_guard lock(state.mutex);
    if (state.ring.empty()) return false;
    level = state.ring.front().first;
    text = std::move(state.ring.front().second);
    state.ring.pop_front();
    return true;
}

} // namespace fp4
