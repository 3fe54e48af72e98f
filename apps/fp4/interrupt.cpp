#include "interrupt.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

namespace fp4::program::interrupt {
namespace {

std::atomic<int> pending{0};
std::atomic<Mode> mode{Mode::work};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<Mode>::is_always_lock_free,
              "used in a signal handler");
termios found_terminal;
bool terminal_known = false;

/// Only async-signal-safe calls in here.
extern "C" void fp4_on_signal(int signal_number) {
    if (pending.exchange(signal_number) != 0 || mode == Mode::input) {
        if (terminal_known) tcsetattr(STDIN_FILENO, TCSANOW, &found_terminal);
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        return;
    }
    if (mode == Mode::prompt) {
        static const char hint[] = "\n(Ctrl-C once more or Ctrl-D leaves)\n";
        // Nothing can be done about a failure to print a hint.
        [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, hint, sizeof hint - 1);
    }
}

} // namespace

void install() {
    terminal_known = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &found_terminal) == 0;
    for (const int signal_number : {SIGINT, SIGTERM}) {
        struct sigaction old {};
        // A shell that starts a background job ignores SIGINT for it; that stays so.
        if (sigaction(signal_number, nullptr, &old) == 0 && old.sa_handler == SIG_IGN) continue;
        struct sigaction action {};
        action.sa_handler = fp4_on_signal;
        action.sa_flags = SA_RESTART;
        sigemptyset(&action.sa_mask);
        sigaction(signal_number, &action, nullptr);
    }
}

bool requested() {
    return pending != 0;
}
void clear() {
    pending = 0;
}
void set_mode(Mode value) {
    mode = value;
}

Watch::Watch(std::function<void()> on_interrupt)
    : on_interrupt_(std::move(on_interrupt)), thread_([this] { run(); }) {}

Watch::~Watch() {
    {
        const std::lock_guard lock(mutex_);
        end_ = true;
    }
    ended_.notify_all();
    thread_.join();
}

void Watch::run() {
    std::unique_lock lock(mutex_);
    while (!end_) {
        if (requested()) {
            on_interrupt_();
            return;
        }
        // A signal handler may not notify a condition variable, so look again often enough to feel immediate.
        ended_.wait_for(lock, std::chrono::milliseconds(20));
    }
}

} // namespace fp4::program::interrupt
