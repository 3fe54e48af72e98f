#include <filesystem>

#include "commands.h"
#include "handles.h"
#include "human.h"
#include "job.h"
#include "json_output.h"
#include "peak_memory.h"
#include "report.h"
#include "text_file.h"

namespace fp4::program {
namespace {

bool same_file(const std::string& a, const std::string& b) {
    std::error_code ignored; // a missing file is not the same
    return std::filesystem::equivalent(a, b, ignored);
}

int print_summary(const JsonObject& result) {
    const auto bytes_in = static_cast<double>(result.count("bytes_in"));
    const auto bytes_out = static_cast<double>(result.count("bytes_out"));
    std::string text;
    text += format_text("source          %s, %s\n", result.text("source").c_str(),
                        bytes_text(result.count("bytes_in")).c_str());
    text += format_text("target          %s, %s (%.1f %%)\n", result.text("target").c_str(),
                        bytes_text(result.count("bytes_out")).c_str(),
                        bytes_in > 0 ? 100 * bytes_out / bytes_in : 0.0);
    text += format_text("recipe          %s: %s, scale rule %s\n", result.text("recipe").c_str(),
                        result.text("format").c_str(), result.text("scale_rule").c_str());
    text += format_text("bits per weight %.3f\n", result.number("bits_per_weight"));
    text += format_text("tensors         %s quantized, %s kept\n", result.text("tensors_quantized").c_str(),
                        result.text("tensors_kept").c_str());
    if (result.has("relative_error"))
        text += format_text("relative error  %.4f\n", result.number("relative_error"));
    text += format_text("time            %s\n", duration_text(result.number("seconds")).c_str());
    text += format_text("peak memory     %s\n", bytes_text(result.count("peak_rss")).c_str());
    return write_out(text) ? exit_ok : fail("cannot write to standard output");
}

} // namespace

int execute(const QuantizeOptions& options) {
    if (same_file(options.source, options.target)) {
        return usage_error("quantize", options.target + " is the source itself; give another target");
    }
    fp4_quantize_config config;
    fp4_quantize_config_init(&config, sizeof config);
    const std::optional<std::string> recipe = read_recipe(options.recipe);
    if (!recipe) return exit_failure;
    config.recipe = recipe->c_str();
    if (!options.format.empty()) config.format = options.format.c_str();
    if (!options.scale_rule.empty()) config.scale_rule = options.scale_rule.c_str();
    if (!options.calibration_text.empty()) config.calibration_text = options.calibration_text.c_str();
    if (!options.activations.empty()) config.activations = options.activations.c_str();
    config.calibration_sequences = options.calibration_sequences;
    config.calibration_length = options.calibration_length;
    std::vector<const char*> keep;
    for (const std::string& pattern : options.keep) keep.push_back(pattern.c_str());
    config.keep = keep.data();
    config.keep_count = keep.size();
    config.threads = options.threads;

    fp4_job* started = nullptr;
    fp4_status status = fp4_quantize_start(&started, options.source.c_str(), options.target.c_str(), &config);
    const Job job(started);
    JsonObject result;
    status = finish_job(status, job.get(), options.output.quiet, result);
    if (status < 0) return fail(status);
    result.set("peak_rss", peak_memory());
    return options.output.json ? print_json(result) : print_summary(result);
}

} // namespace fp4::program
