#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

/// Ctrl-C (and SIGTERM). The first one asks the work at hand to stop and is remembered until clear(); the
/// second one ends the program, leaving the terminal as it was found.
namespace fp4::program::interrupt {

void install();
bool requested();
void clear();

/// What a first Ctrl-C does besides being remembered.
enum class Mode {
    work,   // nothing: the work looks at requested()
    prompt, // the user edits a line: print how to leave
    input   // the program only waits for input: end it at once
};
void set_mode(Mode mode);

/// Calls `on_interrupt` from a thread of its own when an interrupt comes while it lives; for calls of the
/// library that do not return before they are done.
class Watch {
  public:
    explicit Watch(std::function<void()> on_interrupt);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

  private:
    void run();

    std::function<void()> on_interrupt_;
    std::mutex mutex_;
    std::condition_variable ended_;
    bool end_ = false;
    std::thread thread_;
};

} // namespace fp4::program::interrupt
