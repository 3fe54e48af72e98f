#include <random>
#include <string_view>

#include "chat_session.h"
#include "chat_settings.h"
#include "commands.h"
#include "human.h"
#include "interrupt.h"
#include "json_output.h"
#include "line_input.h"
#include "model.h"
#include "report.h"
#include "text_file.h"

namespace fp4::program {
namespace {

const char help_text[] =
    "/help              this list\n"
    "/clear             forget the conversation, keep the system message\n"
    "/system TEXT       set the system message; without TEXT: none\n"
    "/save FILE         write the conversation as JSON\n"
    "/load FILE         go on with a conversation that /save wrote\n"
    "/undo              take the last question and its answer back\n"
    "/retry             answer the last question again, differently\n"
    "/set KEY VALUE     change sampling; without arguments: show it\n"
    "/stats             context, memory and speed\n"
    "/quit              leave (or Ctrl-D)\n"
    "A line that ends with \\ goes on in the next one. Ctrl-C stops an answer.";

/// The chat as the user sees it: lines in, answers out.
class Chat {
  public:
    Chat(const ChatOptions& options, const fp4_model* model, fp4_ctx* ctx, std::string chat_template)
        : options_(options),
          ctx_(ctx),
          session_(model, ctx, std::move(chat_template)),
          conversation_(options.system) {
        settings_.sampling = options.sampling.values;
        settings_.sampling.seed = options.sampling.seed.value_or(std::random_device()());
        settings_.max_tokens = options.max_tokens;
    }

    bool load(const std::string& path);
    int run();

  private:
    enum class After { go_on, leave };

    bool read_message(std::string& message);
    void execute(const std::string& line);
    void ask(std::string question);
    void retry();
    void save(const std::string& path);
    void print_stats();
    int print_result() const;

    const ChatOptions& options_;
    fp4_ctx* ctx_;
    ChatSession session_;
    Conversation conversation_;
    ChatSettings settings_;
    LineInput input_;
    fp4_gen_stats last_stats_{};
    uint64_t answers_ = 0;
    uint64_t prompt_tokens_ = 0;
    uint64_t tokens_ = 0;
    After after_ = After::go_on;
    int exit_code_ = exit_ok;
};

bool Chat::load(const std::string& path) {
    const std::optional<std::string> text = read_file(path);
    if (!text) return false;
    if (!conversation_.from_json(*text)) {
        fail(path +
             " is not a chat that /save wrote: it needs {\"messages\": [{\"role\": ..., \"content\": ...}]}");
        return false;
    }
    if (!options_.output.quiet) {
        note(format_text("%s: %u exchanges", path.c_str(), static_cast<unsigned>(conversation_.exchanges())));
    }
    return true;
}

bool Chat::read_message(std::string& message) {
    message.clear();
    std::string line;
    while (input_.read(message.empty() ? "> " : ". ", line)) {
        const bool continued = !line.empty() && line.back() == '\\';
        if (continued) line.back() = '\n';
        message += line;
        if (!continued) return true;
    }
    return !message.empty();
}

int Chat::run() {
    if (input_.interactive() && !options_.output.quiet) note("/help lists the commands, Ctrl-D leaves.");
    std::string message;
    while (after_ == After::go_on && read_message(message)) {
        if (message.empty()) continue;
        if (message.front() == '/') {
            execute(message);
        } else {
            ask(std::move(message));
        }
    }
    // Without a terminal there is nobody to go on with after Ctrl-C.
    if (interrupt::requested()) exit_code_ = exit_cancelled;
    if (options_.output.json) {
        const int printed = print_result();
        if (exit_code_ == exit_ok) exit_code_ = printed;
    }
    return exit_code_;
}

void Chat::execute(const std::string& line) {
    const size_t space = line.find(' ');
    const std::string command = line.substr(0, space);
    const std::string argument = space == std::string::npos ? "" : line.substr(space + 1);
    if (command == "/help") {
        note(help_text);
    } else if (command == "/clear") {
        conversation_.clear();
    } else if (command == "/system") {
        conversation_.set_system(argument);
    } else if (command == "/save" && !argument.empty()) {
        save(argument);
    } else if (command == "/load" && !argument.empty()) {
        load(argument);
    } else if (command == "/undo") {
        if (!conversation_.undo()) note("There is nothing to take back.");
    } else if (command == "/retry") {
        retry();
    } else if (command == "/set") {
        const size_t gap = argument.find(' ');
        if (argument.empty()) {
            note(settings_.list());
        } else if (gap == std::string::npos ||
                   !settings_.set(argument.substr(0, gap), argument.substr(gap + 1))) {
            note("No such setting or value. The settings are:\n" + settings_.list());
        }
    } else if (command == "/stats") {
        print_stats();
    } else if (command == "/quit") {
        after_ = After::leave;
    } else {
        note(line + ": no such command, or its argument is missing; /help lists them");
    }
}

void Chat::ask(std::string question) {
    conversation_.add("user", question);
    const size_t forgotten_before = session_.forgotten();
    bool written = true;
    const Answer answer = session_.answer(
        conversation_, settings_.sampling, settings_.max_tokens,
        [&](std::string_view piece) { return options_.output.json || (written = write_out(piece)); });
    if (!options_.output.json && written && !answer.text.empty()) written = write_out("\n");
    if (!written) {
        exit_code_ = fail("cannot write to standard output");
        after_ = After::leave;
        return;
    }
    if (answer.status < 0) {
        conversation_.undo();
        const int exit_code = fail(answer.status, answer.error);
        // At a terminal the user decides what next; a script should notice.
        if (!input_.interactive()) {
            exit_code_ = exit_code;
            after_ = After::leave;
        }
        return;
    }
    last_stats_ = answer.stats;
    ++answers_;
    prompt_tokens_ += answer.stats.prompt_tokens;
    tokens_ += answer.stats.generated_tokens;
    if (session_.forgotten() > forgotten_before && !options_.output.quiet) {
        note(format_text(
            "[the context is full: the oldest %u exchanges are no longer seen; a larger --ctx holds more]",
            static_cast<unsigned>(session_.forgotten())));
    }
    if (answer.stats.finish == FP4_FINISH_FULL)
        note("[stopped: the context is full; /clear, or a larger --ctx]");
    if (answer.stats.finish == FP4_FINISH_CANCELLED) {
        if (!options_.output.quiet) note("[stopped]");
        if (input_.interactive()) {
            interrupt::clear();
        } else {
            after_ = After::leave;
        }
    }
}

void Chat::retry() {
    std::optional<std::string> question = conversation_.undo();
    if (!question) {
        note("There is nothing to answer again.");
        return;
    }
    ++settings_.sampling.seed; // the same seed would give the same answer
    ask(std::move(*question));
}

void Chat::save(const std::string& path) {
    if (write_file(path, conversation_.to_json() + "\n") && !options_.output.quiet) note("saved to " + path);
}

void Chat::print_stats() {
    const fp4_ctx_info info = context_info(ctx_);
    uint64_t now = 0;
    uint64_t high_water = 0;
    fp4_memory_used(&now, &high_water);
    note(format_text(
        "context     %u of %u tokens, %s\n"
        "paths       prefill %s (%s), decode %s (%s), %d threads\n"
        "memory      %s, at most %s\n"
        "answers     %llu, %llu prompt tokens, %llu tokens",
        info.used, info.capacity, bytes_text(info.bytes).c_str(), path_name(info.path_prefill),
        info.path_prefill_name, path_name(info.path_decode), info.path_decode_name, info.threads,
        bytes_text(now).c_str(), bytes_text(high_water).c_str(), static_cast<unsigned long long>(answers_),
        static_cast<unsigned long long>(prompt_tokens_), static_cast<unsigned long long>(tokens_)));
    if (answers_ > 0) note("last answer " + speed_text(last_stats_));
}

int Chat::print_result() const {
    JsonObject object = JsonObject::parse(conversation_.to_json()).value_or(JsonObject());
    object.set("model", options_.model);
    object.set("answers", answers_);
    object.set("prompt_tokens", prompt_tokens_);
    object.set("tokens", tokens_);
    object.set("finish", finish_name(last_stats_.finish));
    return print_json(object);
}

} // namespace

int execute(const ChatOptions& options) {
    int exit_code = exit_ok;
    const Model model = open_model(options.model, options.engine, options.output.quiet, &exit_code);
    if (!model) return exit_code;
    std::string chat_template;
    if (!options.chat_template.empty()) {
        std::optional<std::string> text = read_file(options.chat_template);
        if (!text) return exit_failure;
        chat_template = std::move(*text);
    } else if ((model_info(model.get()).flags & FP4_MODEL_HAS_CHAT_TEMPLATE) == 0) {
        return fail(options.model +
                    " has no chat template; give one with --template FILE, or continue a text with "
                    "'fp4 run --raw'");
    }
    const Context ctx = create_context(model.get(), options.engine, &exit_code);
    if (!ctx) return exit_code;
    Chat chat(options, model.get(), ctx.get(), std::move(chat_template));
    if (!options.load.empty() && !chat.load(options.load)) return exit_failure;
    return chat.run();
}

} // namespace fp4::program
