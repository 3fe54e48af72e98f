#include <map>

#include "commands.h"
#include "human.h"
#include "json_output.h"
#include "model.h"
#include "report.h"

namespace fp4::program {
namespace {

struct FormatTotal {
    uint64_t tensors = 0;
    uint64_t bytes = 0;
};

std::string config_text(const JsonObject& config) {
    std::string text;
    for (const std::string& key : config.keys()) {
        std::string value = config.text(key);
        constexpr size_t longest = 60;
        if (value.size() > longest) value = value.substr(0, longest) + "...";
        text += format_text("  %-24s %s\n", key.c_str(), value.c_str());
    }
    return text;
}

std::string tensor_table(const std::vector<JsonObject>& tensors) {
    std::string text = "tensors\n";
    for (const JsonObject& tensor : tensors) {
        text += format_text("  %-48s %-12s %-16s %s\n", tensor.text("name").c_str(),
                            tensor.text("format").c_str(), tensor.text("shape").c_str(),
                            bytes_text(tensor.count("bytes")).c_str());
    }
    return text;
}

std::string format_table(const std::vector<JsonObject>& tensors) {
    std::map<std::string, FormatTotal> totals;
    for (const JsonObject& tensor : tensors) {
        FormatTotal& total = totals[tensor.text("format")];
        ++total.tensors;
        total.bytes += tensor.count("bytes");
    }
    std::string text = "formats\n";
    for (const auto& [format, total] : totals) {
        text += format_text("  %-12s %5u tensors, %s\n", format.c_str(), static_cast<unsigned>(total.tensors),
                            bytes_text(total.bytes).c_str());
    }
    return text;
}

std::string transform_text(const JsonObject& site) {
    std::string text = site.text("transform");
    if (site.count("block") > 0) text += " " + site.text("block");
    if (site.has("matrix_format")) text += " in " + site.text("matrix_format");
    if (site.text("scaled") == "true") text += ", channel scales";
    return text;
}

// What is done to the inputs of linears before they are rounded.
std::string site_table(const std::vector<JsonObject>& sites) {
    if (sites.empty()) return "";
    std::string text = "inputs\n";
    for (const JsonObject& site : sites) {
        const JsonObject activation = site.object("activation");
        text += format_text("  %-8s layers %-16s %s; %s\n", site.text("site").c_str(),
                            site.text("layers").c_str(), transform_text(site).c_str(),
                            activation.has("format")
                                ? (activation.text("format") + " " + activation.text("rule")).c_str()
                                : "not rounded");
    }
    return text;
}

std::string tokenizer_text(const JsonObject& tokenizer) {
    if (!tokenizer.has("kind")) return "none";
    std::string text = tokenizer.text("kind");
    if (tokenizer.has("vocabulary")) text += ", " + tokenizer.text("vocabulary") + " tokens";
    return text;
}

std::string describe_text(const JsonObject& model, bool all_tensors) {
    std::string text;
    const auto line = [&text](const char* label, const std::string& value) {
        if (!value.empty()) text += format_text("%-15s %s\n", label, value.c_str());
    };
    line("model", model.text("name"));
    line("path", model.text("path"));
    line("kind", model.text("kind"));
    line("architecture", model.text("architecture"));
    line("parameters", count_text(model.count("parameters")));
    line("file size", bytes_text(model.count("file_bytes")));
    line("bits per weight", format_text("%.3f", model.number("bits_per_weight")));
    line("recipe", model.object("manifest").text("method"));
    line("tokenizer", tokenizer_text(model.object("tokenizer")));
    line("chat template", model.text("chat_template") == "true" ? "yes" : "no");
    const std::string config = config_text(model.object("config"));
    if (!config.empty()) text += "config\n" + config;
    const std::vector<JsonObject> tensors = model.objects("tensors");
    text += all_tensors ? tensor_table(tensors) : format_table(tensors);
    text += site_table(model.objects("input_sites"));
    return text;
}

std::string plan_text(const fp4_plan& plan, const std::string& device) {
    const uint64_t total = plan.weight_bytes + plan.kv_bytes + plan.scratch_bytes;
    return format_text(
        "memory on %s    weights %s + KV cache %s + scratch %s = %s; %s free: %s\n"
        "largest context %u tokens\n",
        device.c_str(), bytes_text(plan.weight_bytes).c_str(), bytes_text(plan.kv_bytes).c_str(),
        bytes_text(plan.scratch_bytes).c_str(), bytes_text(total).c_str(),
        bytes_text(plan.available_bytes).c_str(), (plan.flags & FP4_PLAN_FITS) != 0 ? "fits" : "does not fit",
        plan.largest_context);
}

JsonObject plan_json(const fp4_plan& plan, const std::string& device) {
    JsonObject object;
    object.set("device", device);
    object.set("fits", (plan.flags & FP4_PLAN_FITS) != 0);
    object.set("weight_bytes", plan.weight_bytes);
    object.set("kv_bytes", plan.kv_bytes);
    object.set("scratch_bytes", plan.scratch_bytes);
    object.set("available_bytes", plan.available_bytes);
    object.set("largest_context", plan.largest_context);
    return object;
}

} // namespace

int execute(const InfoOptions& options) {
    fp4_model_config model_config;
    fp4_model_config_init(&model_config, sizeof model_config);
    model_config.device = options.engine.device.c_str();
    std::string text;
    const fp4_status described = read_text(text, [&](char* buffer, size_t capacity, size_t* needed) {
        return fp4_model_describe(options.model.c_str(), &model_config, buffer, capacity, needed);
    });
    if (described < 0) return fail(described);
    std::optional<JsonObject> model = JsonObject::parse(text);
    if (!model) return fail("the library described " + options.model + " in a way this program cannot read");

    model->set("path", options.model);

    if (const fp4_status limited =
            fp4_device_limit(options.engine.device.c_str(), options.engine.memory_limit);
        limited < 0) {
        return fail(limited);
    }
    fp4_ctx_config ctx_config;
    fp4_ctx_config_init(&ctx_config, sizeof ctx_config);
    ctx_config.capacity = options.engine.ctx;
    ctx_config.chunk = options.engine.chunk;
    ctx_config.kv_format = kv_number(options.engine.kv);
    fp4_plan plan{};
    plan.size = sizeof plan;
    // A file can be described although it cannot be run (an architecture this library does not know).
    const fp4_status planned = fp4_model_plan(options.model.c_str(), &model_config, &ctx_config, &plan);
    const std::string why_not = planned < 0 ? fp4_last_error() : "";
    if (options.output.json) {
        if (planned >= 0) {
            model->set("plan", plan_json(plan, options.engine.device));
        } else {
            model->set_null("plan");
        }
        return print_json(*model);
    }
    std::string out = describe_text(*model, options.tensors);
    out += planned >= 0 ? plan_text(plan, options.engine.device) : "cannot run      " + why_not + "\n";
    return write_out(out) ? exit_ok : fail("cannot write to standard output");
}

} // namespace fp4::program
