#pragma once

#include <memory>
#include <string>

namespace fp4::program {

/// Lines of standard input; on a terminal with a prompt and, where the program was built with libedit, with
/// editing and history.
class LineInput {
  public:
    LineInput();
    ~LineInput();
    LineInput(const LineInput&) = delete;
    LineInput& operator=(const LineInput&) = delete;

    bool interactive() const { return interactive_; }

    /// False at the end of the input.
    bool read(const char* prompt, std::string& line);

  private:
    struct Editor;
    bool interactive_;
    std::unique_ptr<Editor> editor_; // none without a terminal
};

} // namespace fp4::program
