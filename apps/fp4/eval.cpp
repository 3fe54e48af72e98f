#include "commands.h"
#include "handles.h"
#include "human.h"
#include "job.h"
#include "json_output.h"
#include "model.h"
#include "report.h"
#include "text_file.h"

namespace fp4::program {
namespace {

/// Keys that only a comparison has; null without one, so that the object always has the same keys.
const char* const base_keys[] = {"base_perplexity", "kl_mean", "kl_max", "kl_p50",
                                 "kl_p90",          "kl_p95",  "kl_p99", "top1_agreement"};

int print_summary(const JsonObject& result) {
    std::string text;
    text += format_text("perplexity      %.4f (negative log likelihood %.6f)\n", result.number("perplexity"),
                        result.number("nll"));
    text += format_text("scored          %s tokens in %s windows of %s, path %s (%s), %s\n",
                        result.text("tokens").c_str(), result.text("windows").c_str(),
                        result.text("ctx").c_str(), result.text("path").c_str(), result.text("types").c_str(),
                        duration_text(result.number("seconds")).c_str());
    if (result.has("kl_mean")) {
        text += format_text("base perplexity %.4f\n", result.number("base_perplexity"));
        text += format_text("KL divergence   mean %.6f, median %.6f, 90 %% %.6f, 99 %% %.6f, max %.6f\n",
                            result.number("kl_mean"), result.number("kl_p50"), result.number("kl_p90"),
                            result.number("kl_p99"), result.number("kl_max"));
        text += format_text("top-1 agreement %.3f %%\n", 100 * result.number("top1_agreement"));
    }
    return write_out(text) ? exit_ok : fail("cannot write to standard output");
}

int evaluate_text(const EvalOptions& options) {
    const std::optional<std::string> text = read_file(options.text);
    if (!text) return exit_failure;
    int exit_code = exit_ok;
    const Model model = open_model(options.model, options.engine, options.output.quiet, &exit_code);
    if (!model) return exit_code;
    Model base;
    if (!options.base.empty()) {
        base = open_model(options.base, options.engine, options.output.quiet, &exit_code);
        if (!base) return exit_code;
    }
    fp4_evaluate_config config;
    fp4_evaluate_config_init(&config, sizeof config);
    config.model = model.get();
    config.base = base.get();
    if (!options.base_file.empty()) config.base_file = options.base_file.c_str();
    if (!options.save_base_file.empty()) config.save_base_file = options.save_base_file.c_str();
    config.text = text->data();
    config.text_bytes = text->size();
    config.window = options.engine.ctx;
    config.max_windows = options.windows;
    config.path = path_number(options.engine.path);
    config.threads = options.engine.threads;
    config.kv_format = kv_number(options.engine.kv);

    fp4_job* started = nullptr;
    fp4_status status = fp4_evaluate_start(&started, &config);
    const Job job(started);
    JsonObject result;
    status = finish_job(status, job.get(), options.output.quiet, result);
    if (status < 0) return fail(status);
    for (const char* key : base_keys) result.copy(key, result);
    result.set("types", result.text("arithmetic"));
    result.remove("arithmetic");
    if (!options.output.json) return print_summary(result);
    result.set("model", options.model);
    result.set("text", options.text);
    const std::string& base_name = options.base.empty() ? options.base_file : options.base;
    if (base_name.empty()) {
        result.set_null("base");
    } else {
        result.set("base", base_name);
    }
    result.set("device", options.engine.device);
    return print_json(result);
}

int print_task_summary(const JsonObject& result) {
    const auto percent = [&result](const char* key) {
        return result.has(key) ? format_text("%.2f %%", 100 * result.number(key)) : std::string("none");
    };
    std::string text;
    text += format_text("accuracy        %s, standard error %s\n", percent("accuracy").c_str(),
                        percent("standard_error").c_str());
    if (result.has("accuracy_norm"))
        text += format_text("length-normed   %s\n", percent("accuracy_norm").c_str());
    if (result.has("perplexity"))
        text += format_text("perplexity      %.4f of the single choices\n", result.number("perplexity"));
    text +=
        format_text("scored          %s tokens in %s items, path %s (%s), %s\n",
                    result.text("tokens").c_str(), result.text("items").c_str(), result.text("path").c_str(),
                    result.text("types").c_str(), duration_text(result.number("seconds")).c_str());
    return write_out(text) ? exit_ok : fail("cannot write to standard output");
}

int evaluate_tasks(const EvalOptions& options) {
    int exit_code = exit_ok;
    const Model model = open_model(options.model, options.engine, options.output.quiet, &exit_code);
    if (!model) return exit_code;
    fp4_tasks_config config;
    fp4_tasks_config_init(&config, sizeof config);
    config.model = model.get();
    config.file = options.tasks.c_str();
    config.max_items = options.limit;
    config.path = path_number(options.engine.path);
    config.threads = options.engine.threads;
    fp4_job* started = nullptr;
    fp4_status status = fp4_tasks_start(&started, &config);
    const Job job(started);
    JsonObject result;
    status = finish_job(status, job.get(), options.output.quiet, result);
    if (status < 0) return fail(status);
    result.set("types", result.text("arithmetic"));
    result.remove("arithmetic");
    if (!options.output.json) return print_task_summary(result);
    result.set("model", options.model);
    result.set("file", options.tasks);
    result.set("device", options.engine.device);
    return print_json(result);
}

} // namespace

int execute(const EvalOptions& options) {
    if (options.text.empty() == options.tasks.empty())
        return usage_error("eval", "give either --text or --tasks");
    if (options.tasks.empty()) return evaluate_text(options);
    if (!options.base.empty() || !options.base_file.empty() || !options.save_base_file.empty())
        return usage_error("eval", "--tasks are answered by one model; a base belongs to --text");
    return evaluate_tasks(options);
}

} // namespace fp4::program
