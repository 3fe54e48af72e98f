#include "progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "human.h"

namespace fp4::program {
namespace {

/// Log messages come from the library's threads while the main thread draws.
std::mutex& stderr_mutex() {
    static std::mutex mutex;
    return mutex;
}
bool bar_is_drawn = false; // guarded by stderr_mutex

void erase_bar() {
    if (bar_is_drawn) std::fputs("\r\033[K", stderr);
    bar_is_drawn = false;
}

bool can_draw() {
    const char* term = std::getenv("TERM");
    return stderr_is_terminal() && term != nullptr && std::strcmp(term, "dumb") != 0;
}

size_t terminal_columns() {
    winsize size{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

double fraction(const fp4_job_progress& progress) {
    if (progress.total == 0) return 0;
    return std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total));
}

std::string time_left(const fp4_job_progress& progress) {
    if (progress.eta_seconds < 0) return {};
    return duration_text(progress.eta_seconds) + " left";
}

} // namespace

ProgressPause::ProgressPause() {
    stderr_mutex().lock();
    erase_bar();
}

ProgressPause::~ProgressPause() {
    stderr_mutex().unlock();
}

Progress::Progress(bool quiet, double delay_seconds) : quiet_(quiet), delay_(delay_seconds) {}

Progress::~Progress() {
    finish();
}

void Progress::finish() {
    const ProgressPause pause;
    std::fflush(stderr);
}

void Progress::update(const fp4_job_progress& progress) {
    if (quiet_ || progress.seconds < delay_) return;
    if (can_draw()) {
        draw_bar(progress);
    } else {
        print_line(progress);
    }
}

void Progress::draw_bar(const fp4_job_progress& progress) {
    constexpr size_t bar_width = 24;
    const double part = fraction(progress);
    const auto filled = static_cast<size_t>(part * bar_width);
    std::string line = format_text("%-11s %3.0f %% [", progress.phase, part * 100);
    line.append(filled, '#').append(bar_width - filled, '.').append("] ");
    line += format_text("%-12s ", time_left(progress).c_str());
    line += progress.item;
    line = printable(line);
    // One column stays free: writing the last one would wrap on some terminals.
    const size_t columns = terminal_columns() - 1;
    if (line.size() > columns) line.resize(columns);

    const std::lock_guard lock(stderr_mutex());
    std::fprintf(stderr, "\r%s\033[K", line.c_str());
    std::fflush(stderr);
    bar_is_drawn = true;
}

void Progress::print_line(const fp4_job_progress& progress) {
    const int tenth = static_cast<int>(fraction(progress) * 10);
    constexpr double longest_silence = 10; // seconds
    if (tenth == last_tenth_ && progress.seconds < last_line_ + longest_silence) return;
    last_tenth_ = tenth;
    last_line_ = progress.seconds;
    const std::string left = time_left(progress);
    const std::string line = printable(
        format_text("%s %.0f %% after %s%s%s", progress.phase, fraction(progress) * 100,
                    duration_text(progress.seconds).c_str(), left.empty() ? "" : ", ", left.c_str()));
    const ProgressPause pause;
    std::fprintf(stderr, "%s\n", line.c_str());
}

} // namespace fp4::program
