#include "recipe_measurement.h"

#include <cstdlib>
#include <filesystem>
#include <limits>

#include "content_hash.h"
#include "handles.h"
#include "human.h"
#include "job.h"
#include "model.h"
#include "peak_memory.h"
#include "report.h"
#include "text_file.h"

namespace fp4::program {
namespace {

namespace fs = std::filesystem;

/// "[512, 64]" -> 32768
uint64_t element_count(const std::string& shape) {
    uint64_t count = 1;
    for (const char* at = shape.c_str(); *at != '\0';) {
        char* end = nullptr;
        const uint64_t size = std::strtoull(at, &end, 10);
        if (end != at) count *= size;
        at = end != at ? end : at + 1;
    }
    return count;
}

} // namespace

double linear_bits_per_weight(const std::string& path) {
    std::string text;
    const fp4_status status = read_text(text, [&](char* buffer, size_t capacity, size_t* needed) {
        return fp4_model_describe(path.c_str(), nullptr, buffer, capacity, needed);
    });
    if (status < 0) return 0;
    const JsonObject model = JsonObject::parse(text).value_or(JsonObject());
    uint64_t bytes = 0, weights = 0;
    for (const JsonObject& tensor : model.objects("tensors")) {
        const std::string name = tensor.text("name");
        const bool is_linear = name.starts_with("model.layers.") && name.ends_with("_proj.weight");
        const bool is_transform = name.starts_with("fp4.layers."); // libfp4/io/README.md
        if (is_linear) weights += element_count(tensor.text("shape"));
        if (is_linear || is_transform) bytes += tensor.count("bytes");
    }
    return weights > 0 ? 8.0 * static_cast<double>(bytes) / static_cast<double>(weights) : 0;
}

RecipeMeasurement::RecipeMeasurement(const ReportOptions& options, const std::string& text)
    : options_(options), text_(text), folder_(options.work) {
    if (folder_.empty()) {
        std::error_code failed;
        folder_ = (fs::temp_directory_path(failed) / "fp4-report").string();
    }
    const std::string model = hash_content(options.model);
    measurement_ = hash_texts({model, text, std::to_string(options.ctx), std::to_string(options.windows)});
    // Presets may change from version to version.
    sources_ = hash_texts({model, hash_content(options.calibration_text),
                           std::to_string(options.calibration_sequences),
                           std::to_string(options.calibration_length), std::to_string(fp4_version())});
}

std::string RecipeMeasurement::quantized_key(const RecipeVariant& variant) const {
    return hash_texts({sources_, variant.document, variant.format});
}

std::string RecipeMeasurement::key(const RecipeVariant& variant, const std::string& path) const {
    return hash_texts({measurement_, quantized_key(variant), path});
}

std::string RecipeMeasurement::file(const std::string& key, const char* ending) const {
    return (fs::path(folder_) / (key + ending)).string();
}

fp4_status RecipeMeasurement::prepare() {
    std::error_code failed;
    fs::create_directories(folder_, failed);
    if (failed) {
        failure_ = "cannot create the folder " + folder_ + ": " + failed.message() + "; give another --work";
        return FP4_E_IO;
    }
    if (fs::exists(file(measurement_, ".base"), failed)) return FP4_DONE;
    if (!options_.output.quiet) note("evaluating the model itself");
    JsonObject ignored; // the distributions go to the file
    return evaluate(options_.model, "auto", true, ignored);
}

fp4_status RecipeMeasurement::take_result(fp4_status started, fp4_job* job, JsonObject& result) {
    const fp4_status status = finish_job(started, job, options_.output.quiet, result);
    if (status < 0) failure_ = fp4_last_error(); // before handles are closed
    return status;
}

fp4_status RecipeMeasurement::quantize(const RecipeVariant& variant, const std::string& target,
                                       JsonObject& summary) {
    fp4_quantize_config config;
    fp4_quantize_config_init(&config, sizeof config);
    config.recipe = variant.document.c_str();
    if (!variant.format.empty()) config.format = variant.format.c_str();
    if (!options_.calibration_text.empty()) config.calibration_text = options_.calibration_text.c_str();
    config.calibration_sequences = options_.calibration_sequences;
    config.calibration_length = options_.calibration_length;
    config.threads = options_.threads;
    reset_peak_memory();
    fp4_job* started = nullptr;
    fp4_status status = fp4_quantize_start(&started, options_.model.c_str(), target.c_str(), &config);
    const Job job(started);
    status = take_result(status, job.get(), summary);
    summary.set("peak_rss", peak_memory());
    return status;
}

fp4_status RecipeMeasurement::evaluate(const std::string& model_path, const std::string& path, bool is_base,
                                       JsonObject& result) {
    fp4_model* opened = nullptr;
    fp4_status status = fp4_model_open(&opened, model_path.c_str(), nullptr);
    if (status < 0) {
        failure_ = fp4_last_error();
        return status;
    }
    const Model model(opened);
    const std::string base_file = file(measurement_, ".base");
    fp4_evaluate_config config;
    fp4_evaluate_config_init(&config, sizeof config);
    config.model = model.get();
    (is_base ? config.save_base_file : config.base_file) = base_file.c_str();
    config.text = text_.data();
    config.text_bytes = text_.size();
    config.window = options_.ctx;
    config.max_windows = options_.windows;
    config.path = path_number(path);
    config.threads = options_.threads;
    fp4_job* started = nullptr;
    status = fp4_evaluate_start(&started, &config);
    const Job job(started);
    return take_result(status, job.get(), result);
}

fp4_status RecipeMeasurement::measure(const RecipeVariant& variant, const std::string& path, RecipeRow& row) {
    const std::string quantized = quantized_key(variant);
    const std::string target = file(quantized, ".fp4"), summary_file = file(quantized, ".json");
    std::error_code failed;
    JsonObject summary;
    if (fs::exists(target, failed) && fs::exists(summary_file, failed)) {
        const std::optional<std::string> known = read_file(summary_file);
        summary = JsonObject::parse(known.value_or("")).value_or(JsonObject());
    }
    if (!summary.has("bits_per_weight")) {
        const fp4_status status = quantize(variant, target, summary);
        if (status < 0) return status;
        if (!write_file(summary_file, summary.dump() + "\n")) {
            failure_ = "the summary of the quantized file is missing; free some space or give another --work";
            return FP4_E_IO;
        }
    }
    JsonObject result;
    const fp4_status status = evaluate(target, path, false, result);
    if (status < 0) return status;
    // Damaged weights give NaN, which JSON has as null.
    const auto measured = [&result](const char* key) {
        return result.has(key) ? result.number(key) : std::numeric_limits<double>::quiet_NaN();
    };
    row.recipe = variant.name;
    row.format = summary.text("format");
    row.path = result.text("path");
    row.bits_per_weight = linear_bits_per_weight(target);
    row.file_bits_per_weight = summary.number("bits_per_weight");
    row.kl_mean = measured("kl_mean");
    row.perplexity = measured("perplexity");
    row.base_perplexity = measured("base_perplexity");
    row.top1_agreement = measured("top1_agreement");
    row.quantize_seconds = summary.number("seconds");
    row.peak_rss = summary.count("peak_rss");
    row.key = key(variant, path);
    row.measurement = measurement_;
    return FP4_DONE;
}

} // namespace fp4::program
