#include "line_input.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "human.h"
#include "interrupt.h"

#ifdef FP4_HAVE_LIBEDIT
#include <histedit.h>
#endif

namespace fp4::program {

#ifdef FP4_HAVE_LIBEDIT

struct LineInput::Editor {
    Editor() : history(history_init()), line(el_init("fp4", stdin, stdout, stderr)) {
        HistEvent event;
        ::history(history, &event, H_SETSIZE, 500);
        ::history(history, &event, H_SETUNIQUE, 1);
        el_set(line, EL_CLIENTDATA, this);
        el_set(line, EL_PROMPT, show_prompt);
        el_set(line, EL_EDITOR, "emacs");
        el_set(line, EL_HIST, ::history, history);
        el_source(line, nullptr); // ~/.editrc
    }
    ~Editor() {
        el_end(line);
        history_end(history);
    }
    Editor(const Editor&) = delete;
    Editor& operator=(const Editor&) = delete;

    static char* show_prompt(EditLine* line) {
        Editor* editor = nullptr;
        el_get(line, EL_CLIENTDATA, &editor);
        return editor->prompt.data();
    }

    bool read(const char* text, std::string& out) {
        prompt = text;
        int count = 0;
        const char* got = el_gets(line, &count);
        if (got == nullptr || count <= 0) return false;
        out.assign(got, static_cast<size_t>(count));
        HistEvent event;
        if (out != "\n") ::history(history, &event, H_ENTER, got);
        return true;
    }

    std::string prompt;
    History* history;
    EditLine* line;
};

#else

struct LineInput::Editor {
    bool read(const char* prompt, std::string& out) {
        std::fputs(prompt, stdout);
        std::fflush(stdout);
        return static_cast<bool>(std::getline(std::cin, out));
    }
};

#endif

LineInput::LineInput() : interactive_(isatty(STDIN_FILENO) == 1 && stdout_is_terminal()) {
    if (interactive_) editor_ = std::make_unique<Editor>();
}

LineInput::~LineInput() = default;

bool LineInput::read(const char* prompt, std::string& line) {
    interrupt::set_mode(interactive_ ? interrupt::Mode::prompt : interrupt::Mode::input);
    const bool good =
        interactive_ ? editor_->read(prompt, line) : static_cast<bool>(std::getline(std::cin, line));
    interrupt::set_mode(interrupt::Mode::work);
    if (!good) return false;
    // A Ctrl-C answered by going on with the line is over.
    if (interactive_) interrupt::clear();
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    return true;
}

} // namespace fp4::program
