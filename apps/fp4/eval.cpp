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

} // namespace

int execute(const EvalOptions& options) {
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
    if (status >= 0) {
        Progress progress(options.output.quiet);
        status = wait_for(job.get(), progress);
    }
    if (status < 0) return fail(status);
    std::string json;
    status = read_text(json, [&](char* buffer, size_t capacity, size_t* needed) {
        return fp4_job_result(job.get(), buffer, capacity, needed);
    });
    if (status < 0) return fail(status);
    JsonObject result = JsonObject::parse(json).value_or(JsonObject());
    for (const char* key : base_keys) result.copy(key, result);
    // The library names weights and activations; a path that a model cannot run is refused, so the asked one
    // ran.
    result.set("types", result.text("path"));
    result.set("path",
               path_name(config.path != FP4_PATH_AUTO ? config.path : model_info(model.get()).path_prefill));
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

} // namespace fp4::program
