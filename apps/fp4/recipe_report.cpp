#include <filesystem>

#include "commands.h"
#include "human.h"
#include "interrupt.h"
#include "recipe_measurement.h"
#include "recipe_plot.h"
#include "report.h"
#include "text_file.h"

namespace fp4::program {
namespace {

std::string recipe_name(const std::string& argument) {
    return argument.ends_with(".json") ? std::filesystem::path(argument).stem().string() : argument;
}

/// Every recipe in every format; nothing where a recipe cannot be read, which was said then.
std::optional<std::vector<RecipeVariant>> list_variants(const ReportOptions& options) {
    std::vector<RecipeVariant> variants;
    for (const std::string& argument : options.recipes) {
        const std::optional<std::string> document = read_recipe(argument);
        if (!document) return std::nullopt;
        std::vector<std::string> formats = options.formats;
        if (formats.empty()) formats.emplace_back();
        for (const std::string& format : formats)
            variants.push_back({recipe_name(argument), *document, format});
    }
    return variants;
}

class Report {
  public:
    Report(const ReportOptions& options, const std::string& text)
        : options_(options), measurement_(options, text) {}

    int run(const std::vector<RecipeVariant>& variants) {
        if (!read_rows()) return exit_failure;
        const int exit_code = measure_all(variants);
        // What was measured before a failure or Ctrl-C is worth its table.
        if (rows_.empty()) return exit_code;
        if (!options_.svg.empty() && !write_file(options_.svg, rows_to_svg(rows_, caption())))
            return exit_failure;
        const std::string table = caption() + "\n\n" + rows_to_markdown(rows_);
        if (!options_.markdown.empty() && !write_file(options_.markdown, table)) return exit_failure;
        if (options_.output.json) return exit_code == exit_ok ? print_json(json()) : exit_code;
        if (!write_out(table)) return fail("cannot write to standard output");
        return exit_code;
    }

  private:
    bool read_rows() {
        std::error_code failed;
        if (options_.csv.empty() || !std::filesystem::exists(options_.csv, failed)) return true;
        const std::optional<std::string> content = read_file(options_.csv);
        if (!content) return false;
        std::optional<std::vector<RecipeRow>> rows = rows_from_csv(*content);
        if (!rows) {
            fail(options_.csv + " was not written by this version of 'fp4 report'; give another --csv");
            return false;
        }
        for (const RecipeRow& row : *rows) {
            if (row.measurement == measurement_.measurement()) continue;
            fail(options_.csv +
                 " was measured with another model, text, --ctx or --windows; give another --csv");
            return false;
        }
        rows_ = std::move(*rows);
        return true;
    }

    /// The first failure does not keep the others from being measured.
    int measure_all(const std::vector<RecipeVariant>& variants) {
        int exit_code = exit_ok;
        bool prepared = false;
        for (const RecipeVariant& variant : variants) {
            for (const std::string& path : options_.paths) {
                if (find_row(rows_, measurement_.key(variant, path))) continue;
                if (!prepared) {
                    const fp4_status status = measurement_.prepare();
                    if (status < 0) return fail(status, measurement_.failure());
                    prepared = true;
                }
                const int code = measure(variant, path);
                if (code == exit_cancelled) return code;
                if (code != exit_ok) exit_code = code;
            }
        }
        return exit_code;
    }

    int measure(const RecipeVariant& variant, const std::string& path) {
        const std::string what =
            variant.name + (variant.format.empty() ? "" : ", " + variant.format) + ", " + path;
        if (interrupt::requested()) return fail(FP4_E_CANCELLED);
        RecipeRow row;
        const fp4_status status = measurement_.measure(variant, path, row);
        if (status < 0) return fail(status, what + ": " + measurement_.failure());
        put_row(rows_, row);
        if (!options_.output.quiet) {
            note(format_text("%s, %s, %s: KL %.5f, perplexity %.4f, %.3f bits per weight", row.recipe.c_str(),
                             row.format.c_str(), row.path.c_str(), row.kl_mean, row.perplexity,
                             row.bits_per_weight));
        }
        if (options_.csv.empty() || write_file(options_.csv, rows_to_csv(rows_))) return exit_ok;
        return exit_failure;
    }

    std::string caption() const {
        namespace fs = std::filesystem;
        fs::path model = fs::path(options_.model).lexically_normal();
        if (model.filename().empty()) model = model.parent_path();
        const std::string windows =
            options_.windows == 0 ? "all"
                                  : format_text("the first %u", static_cast<unsigned>(options_.windows));
        return format_text("%s on %s, %s windows of %u tokens; perplexity of the model itself: %.5g",
                           model.filename().c_str(), fs::path(options_.text).filename().c_str(),
                           windows.c_str(), static_cast<unsigned>(options_.ctx),
                           rows_.front().base_perplexity);
    }

    JsonObject json() const {
        JsonObject object;
        object.set("model", options_.model);
        object.set("text", options_.text);
        object.set("ctx", options_.ctx);
        object.set("base_perplexity", rows_.front().base_perplexity);
        std::vector<JsonObject> rows;
        for (const RecipeRow& row : rows_) rows.push_back(row_to_json(row));
        object.set("rows", rows);
        return object;
    }

    const ReportOptions& options_;
    RecipeMeasurement measurement_;
    std::vector<RecipeRow> rows_;
};

} // namespace

int execute(const ReportOptions& options) {
    for (size_t i = 0; i < options.recipes.size(); ++i) {
        for (size_t j = 0; j < i; ++j) {
            if (recipe_name(options.recipes[i]) == recipe_name(options.recipes[j]))
                return usage_error("report",
                                   "two recipes are named '" + recipe_name(options.recipes[i]) + "'");
        }
    }
    std::error_code missing; // a missing file is not the same
    if (!options.calibration_text.empty() &&
        std::filesystem::equivalent(options.text, options.calibration_text, missing)) {
        return usage_error("report",
                           "--text and --calib are the same file; models look too good on the text "
                           "they were calibrated with");
    }
    const std::optional<std::vector<RecipeVariant>> variants = list_variants(options);
    if (!variants) return exit_failure;
    const std::optional<std::string> text = read_file(options.text);
    if (!text) return exit_failure;
    return Report(options, *text).run(*variants);
}

} // namespace fp4::program
