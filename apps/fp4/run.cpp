#include <unistd.h>

#include <random>

#include "commands.h"
#include "conversation.h"
#include "generate.h"
#include "human.h"
#include "interrupt.h"
#include "json_output.h"
#include "model.h"
#include "report.h"
#include "text_file.h"

namespace fp4::program {
namespace {

std::optional<std::string> read_prompt(const RunOptions& options) {
    if (options.prompt && *options.prompt != "-") return *options.prompt;
    const bool from_stdin = options.file.empty() || options.file == "-";
    if (from_stdin && isatty(STDIN_FILENO) == 1 && !options.output.quiet) {
        note("Type the prompt and end it with Ctrl-D.");
    }
    std::optional<std::string> prompt = read_file(from_stdin ? "-" : options.file);
    // The end of a text file's last line is no part of the prompt.
    if (prompt && !prompt->empty() && prompt->back() == '\n') prompt->pop_back();
    return prompt;
}

/// Puts the chat template around the prompt unless it stays raw. The generation flags come with it: a
/// rendered conversation brings its own BOS, a raw prompt gets the tokenizer's.
int apply_template(const RunOptions& options, const fp4_model* model, std::string& prompt, uint32_t& flags) {
    const bool has_template =
        !options.chat_template.empty() || (model_info(model).flags & FP4_MODEL_HAS_CHAT_TEMPLATE) != 0;
    if (options.raw || !has_template) {
        if (options.system.empty()) return exit_ok;
        return fail(options.model +
                    " has no chat template for --system; put that text into the prompt, or give "
                    "--template FILE");
    }
    std::string chat_template;
    if (!options.chat_template.empty()) {
        std::optional<std::string> text = read_file(options.chat_template);
        if (!text) return exit_failure;
        chat_template = std::move(*text);
    }
    Conversation conversation(options.system);
    conversation.add("user", prompt);
    const fp4_status status = format_messages(model, chat_template, conversation.messages(), prompt);
    if (status < 0) return fail(status);
    flags |= FP4_GEN_RAW_PROMPT;
    return exit_ok;
}

JsonObject answer_json(const RunOptions& options, const Answer& answer, const fp4_ctx_info& ctx,
                       uint64_t seed) {
    JsonObject object;
    object.set("text", answer.text);
    object.set("tokens", answer.stats.generated_tokens);
    object.set("finish", finish_name(answer.stats.finish));
    object.set("prompt_tokens", answer.stats.prompt_tokens);
    if (answer.stats.seconds_to_first_token >= 0) {
        object.set("seconds_to_first_token", answer.stats.seconds_to_first_token);
    } else {
        object.set_null("seconds_to_first_token");
    }
    object.set("prompt_tok_s", answer.stats.prefill_tokens_per_second);
    object.set("decode_tok_s", answer.stats.decode_tokens_per_second);
    object.set("path_prefill", path_name(ctx.path_prefill));
    object.set("path_decode", path_name(ctx.path_decode));
    object.set("types_prefill", ctx.path_prefill_name);
    object.set("types_decode", ctx.path_decode_name);
    object.set("model", options.model);
    object.set("device", options.engine.device);
    object.set("threads", ctx.threads);
    object.set("ctx", ctx.capacity);
    object.set("seed", seed);
    return object;
}

} // namespace

int execute(const RunOptions& options) {
    if (options.prompt && !options.file.empty()) return usage_error("run", "give PROMPT or --file, not both");
    if (options.raw && !options.system.empty()) return usage_error("run", "--raw takes no --system");
    if (options.raw && !options.chat_template.empty()) return usage_error("run", "--raw takes no --template");
    std::optional<std::string> prompt = read_prompt(options);
    if (!prompt) return exit_failure;

    int exit_code = exit_ok;
    const Model model = open_model(options.model, options.engine, options.output.quiet, &exit_code);
    if (!model) return exit_code;
    fp4_gen_config config;
    fp4_gen_config_init(&config, sizeof config);
    exit_code = apply_template(options, model.get(), *prompt, config.flags);
    if (exit_code != exit_ok) return exit_code;
    const Context ctx = create_context(model.get(), options.engine, &exit_code);
    if (!ctx) return exit_code;

    fp4_sampling sampling = options.sampling.values;
    sampling.seed = options.sampling.seed.value_or(std::random_device()());
    std::vector<const char*> stop;
    for (const std::string& text : options.stop) stop.push_back(text.c_str());
    config.prompt = prompt->c_str();
    config.prompt_bytes = prompt->size();
    config.sampling = &sampling;
    config.stop = stop.data();
    config.stop_count = stop.size();
    config.max_tokens = options.max_tokens;

    bool written = true;
    const Answer answer = generate(ctx.get(), config, [&](std::string_view piece) {
        return options.output.json || (written = write_out(piece));
    });
    if (!options.output.json && written && !answer.text.empty() && answer.text.back() != '\n') {
        written = write_out("\n");
    }
    if (!written) return fail("cannot write to standard output");
    if (answer.status < 0) return fail(answer.status, answer.error);
    const fp4_ctx_info ctx_info = context_info(ctx.get());
    if (options.output.json) {
        exit_code = print_json(answer_json(options, answer, ctx_info, sampling.seed));
        if (exit_code != exit_ok) return exit_code;
    } else if (!options.output.quiet) {
        note(format_text("[%s; prefill %s, decode %s; %s]", speed_text(answer.stats).c_str(),
                         ctx_info.path_prefill_name, ctx_info.path_decode_name,
                         finish_name(answer.stats.finish)));
    }
    return answer.stats.finish == FP4_FINISH_CANCELLED ? exit_cancelled : exit_ok;
}

} // namespace fp4::program
